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
function linearRgb([lightness, chroma, hue]: Oklch): Triple {
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

type Triple = readonly [number, number, number];

/** Machado, Oliveira and Fernandes 2009, severity 1, on linear sRGB. */
const BLINDNESS: Record<string, readonly Triple[]> = {
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
};

function seenAs(matrix: readonly Triple[], [red, green, blue]: Triple): Triple {
  const [r = 0, g = 0, b = 0] = matrix.map((row) => Math.max(0, row[0] * red + row[1] * green + row[2] * blue));
  return [r, g, b];
}

function oklab([red, green, blue]: Triple): Triple {
  const l = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const m = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const s = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
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

  test.each(["series-1", "series-2", "series-3", "series-4"])("the line %s is seen on a chart at 3:1", (name) => {
    expect(contrast(token(name, theme), token("surface-1", theme))).toBeGreaterThanOrEqual(3);
  });

  test.each(Object.entries(BLINDNESS))("up and down have one lightness and stay apart under %s", (_, matrix) => {
    const [up, down] = [token("up", theme), token("down", theme)];
    expect(up[0]).toBe(down[0]);
    const [seenUp, seenDown] = [oklab(seenAs(matrix, linearRgb(up))), oklab(seenAs(matrix, linearRgb(down)))];
    // 0.02 is about the smallest difference that is seen side by side.
    expect(Math.hypot(...seenUp.map((axis, at) => axis - (seenDown[at] ?? 0)))).toBeGreaterThan(0.07);
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
