/** A title cut where its deciding words begin and end. Offsets are code points, as Python counts them. */
import type { NewsRow } from "./api/types";

export interface TitlePart {
  text: string;
  /** Valence of a deciding stretch, null for the text between. */
  weight: number | null;
}

export function titleParts(title: string, deciding: NewsRow["deciding"]): TitlePart[] {
  const points = Array.from(title);
  const parts: TitlePart[] = [];
  let at = 0;
  for (const { start, end, weight } of deciding) {
    if (start < at || end > points.length) continue;
    if (start > at) parts.push({ text: points.slice(at, start).join(""), weight: null });
    parts.push({ text: points.slice(start, end).join(""), weight });
    at = end;
  }
  if (at < points.length) parts.push({ text: points.slice(at).join(""), weight: null });
  return parts;
}

/** An address that may become a link; null for every other scheme than http and https. */
export function webAddress(url: string | null): string | null {
  if (url === null || !URL.canParse(url)) return null;
  return ["http:", "https:"].includes(new URL(url).protocol) ? url : null;
}
