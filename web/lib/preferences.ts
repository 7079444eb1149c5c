/**
 * What the reader chose, in cookies, so that the server's first paint already has the right theme
 * and time zone: no flash, and no script before the page.
 */
import type { Zone } from "./format";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export const THEME_COOKIE = "theme";
export const ZONE_COOKIE = "zone";

export interface Preferences {
  theme: Theme;
  zone: Zone;
}

export function parseTheme(cookie: string | undefined): Theme {
  return THEMES.find((theme) => theme === cookie) ?? "system";
}

/** A zone that this computer knows, else UTC: cookies are anybody's to write. */
export function parseZone(cookie: string | undefined): Zone {
  if (!cookie) return "UTC";
  try {
    const zone = decodeURIComponent(cookie);
    new Intl.DateTimeFormat("en-GB", { timeZone: zone });
    return zone;
  } catch {
    return "UTC";
  }
}

const A_YEAR_S = 31_536_000;

export function cookieLine(name: string, chosen: string): string {
  return `${name}=${encodeURIComponent(chosen)}; path=/; max-age=${A_YEAR_S}; samesite=lax`;
}
