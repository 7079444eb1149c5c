/** Holds what styles/tokens.css promises about its colours. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseTheme, parseZone } from "@/lib/preferences";

type Oklch = readonly [lightness: number, chroma: number, hue: number];

const CSS = readFileSync(new URL("../../styles/tokens.css", import.meta.url), "utf8");
const PAIR = /--([\w-]+): light-dark\(oklch\(([^)]+)\), oklch\(([^)]+)\)\)/g;

function numbers(text: string): Oklch {
  const [lightness = 0, chroma = 0, hue = 0] = text.split(" ").map(Number);
  return [lightness, chroma, hue];
}

const TOKENS = new Map([...CSS.matchAll(PAIR)].map(([, name = "", light = "", dark = ""]) => [name, { light: numbers(light), dark: numbers(dark) }]));

function token(name: string, theme: "light" | "dark"): Oklch {
  const found = TOKENS.get(name);
  if (!found) throw new Error(`no token ${name}`);
  return found[theme];
}

/** Linear sRGB in [0, 1]; Ottosson's OKLab matrices. */
function linearRgb([lightness, chroma, hue]: Oklch): readonly [number, number, number] {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clip = (channel: number): number => Math.min(1, Math.max(0, channel));
  return [
    clip(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    clip(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    clip(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** WCAG 2 relative luminance. */
function luminance(colour: Oklch): number {
  const [red, green, blue] = linearRgb(colour);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: Oklch, b: Oklch): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const TEXTS = ["ink", "ink-2", "ink-3", "accent", "up", "down", "delayed", "stale", "replay"];

describe.each(["light", "dark"] as const)("in the %s theme", (theme) => {
  test.each(TEXTS)("%s is read on every surface at 4.5:1", (name) => {
    for (const surface of ["surface-0", "surface-1", "surface-2"]) {
      expect(contrast(token(name, theme), token(surface, theme)), surface).toBeGreaterThanOrEqual(4.5);
    }
  });

  test.each([["delayed", "delayed-wash"], ["ink", "delayed-wash"], ["ink", "up-wash"], ["ink", "down-wash"]])(
    "%s is read on %s at 4.5:1",
    (name, surface) => {
      expect(contrast(token(name, theme), token(surface, theme))).toBeGreaterThanOrEqual(4.5);
    },
  );

  test("up and down have one lightness and stay apart without red and green", () => {
    const [up, down] = [token("up", theme), token("down", theme)];
    expect(up[0]).toBe(down[0]);
    // Red-green blindness leaves blue against yellow: up must be the bluer one by far.
    const blueShare = (colour: Oklch): number => {
      const [red, green, blue] = linearRgb(colour);
      return blue / ((red + green) / 2);
    };
    expect(Math.max(blueShare(up), blueShare(down)) / Math.min(blueShare(up), blueShare(down))).toBeGreaterThan(1.2);
  });
});

describe("preferences", () => {
  test("fall back where a cookie is nonsense", () => {
    expect(parseTheme("neon")).toBe("system");
    expect(parseTheme("dark")).toBe("dark");
    expect(parseZone("Europe%2FBerlin")).toBe("Europe/Berlin");
    expect(parseZone("Mars/Olympus")).toBe("UTC");
    expect(parseZone("%")).toBe("UTC");
    expect(parseZone(undefined)).toBe("UTC");
  });
});
