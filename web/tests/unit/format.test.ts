import { describe, expect, test } from "vitest";
import {
  formatAge,
  formatCompact,
  formatCount,
  formatPercent,
  formatPrice,
  formatSource,
  formatSpan,
  formatSpeed,
  formatTime,
  MISSING,
  priceParts,
} from "@/lib/format";

describe("a price", () => {
  test.each([
    [27_345.12, "27,345.12"],
    [100, "100.00"],
    [78.44, "78.440"],
    [1.0421, "1.0421"],
    [0.9871, "0.9871"],
    [0.072341, "0.07234"],
    [0.00001234, "0.00001234"],
    [8.12e-8, "0.00000008120"],
    [1e-11, "0.00000000001000"],
    [0, "0.00"],
    [-3.5, "−3.5000"],
  ])("%d is written %s", (price, text) => {
    expect(formatPrice(price)).toBe(text);
  });

  test("takes the decimals of its axis", () => {
    expect(formatPrice(0.5, 6)).toBe("0.500000");
  });

  test("splits at its decimal point and loses nothing", () => {
    expect(priceParts(1234.5)).toEqual({ whole: "1,234", fraction: ".50" });
  });
});

describe("a large sum", () => {
  test.each([
    [1.2345e12, "1.23 T"],
    [4.56e10, "45.6 B"],
    [789e6, "789 M"],
    [999_960, "1.00 M"],
    [999_400, "999 K"],
    [12.3, "12.3"],
    [0.5, "0.5000"],
    [0, "0.00"],
    [-2.5e9, "−2.50 B"],
  ])("%d is written %s", (sum, text) => {
    expect(formatCompact(sum)).toBe(text);
  });
});

describe("a percent", () => {
  test.each([
    [1.234, "+1.23 %"],
    [-0.456, "−0.46 %"],
    [0, "0.00 %"],
    [-0.001, "0.00 %"],
    [12_345.6, "+12,345.60 %"],
  ])("%d is written %s", (percent, text) => {
    expect(formatPercent(percent)).toBe(text);
  });
});

test("what is missing is an en dash, never 0", () => {
  for (const missing of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(formatPrice(missing)).toBe(MISSING);
    expect(formatCompact(missing)).toBe(MISSING);
    expect(formatPercent(missing)).toBe(MISSING);
    expect(formatCount(missing)).toBe(MISSING);
    expect(formatAge(missing)).toBe(MISSING);
  }
  expect(formatTime(null, "UTC", "time")).toBe(MISSING);
  expect(formatTime("soon", "UTC", "time")).toBe(MISSING);
  expect(formatSource(null)).toBe(MISSING);
});

test.each([
  [-500, "0 s"],
  [59_999, "59 s"],
  [60_000, "1 min"],
  [3_600_000, "1 h"],
  [47 * 3_600_000, "47 h"],
  [3 * 86_400_000, "3 d"],
])("an age of %d ms is %s", (ageMs, text) => {
  expect(formatAge(ageMs)).toBe(text);
});

test.each([
  [400, "1 s"],
  [20_000, "20 s"],
  [90_000, "2 min"],
  [42 * 60_000, "42 min"],
  [5 * 3_600_000, "5 h"],
])("a span of %d ms is %s", (spanMs, text) => {
  expect(formatSpan(spanMs)).toBe(text);
});

test("a moment is written in the zone that the reader chose", () => {
  const moment = "2023-03-11T23:02:11.000Z";
  expect(formatTime(moment, "UTC", "dateTime")).toBe("2023-03-11 23:02:11");
  expect(formatTime(moment, "Asia/Tokyo", "dateTime")).toBe("2023-03-12 08:02:11");
  expect(formatTime("2023-03-11T00:00:00.000Z", "UTC", "minute")).toBe("00:00");
});

test("a source keeps its own spelling, an unknown one ours", () => {
  expect(formatSource("coingecko")).toBe("CoinGecko");
  expect(formatSource("kraken")).toBe("kraken");
});

test("a speed has a digit only where it needs one", () => {
  expect(formatSpeed(600)).toBe("600×");
  expect(formatSpeed(1.5)).toBe("1.5×");
});
