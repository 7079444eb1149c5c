import { describe, expect, test } from "vitest";
import { gapSpans, slotsOf } from "@/lib/chart/candle-series";
import { bodyWidthPx } from "@/lib/chart/hatching";
import {
  analyticsAt,
  analyticsTailFromMs,
  changedFrom,
  indicatorPoints,
  mergeAnalytics,
} from "@/lib/chart/indicator-series";
import { INDICATOR_KEYS, INDICATORS, paneKeys, parseIndicators, toggled, warmUp, WRITTEN } from "@/lib/chart/indicators";
import type { Analytics, AnalyticsSeries } from "@/lib/api/types";
import { analytics, candle, candles } from "./builders";

const MINUTE_MS = 60_000;

describe("the choice of indicators", () => {
  test("is each known one once, in the order of the table", () => {
    expect(parseIndicators("rsi sma_5,rsi, toString")).toEqual(["sma_5", "rsi"]);
    expect(parseIndicators("")).toEqual([]);
    expect(parseIndicators(null)).toEqual([]);
    expect(parseIndicators(INDICATOR_KEYS.join(" "))).toEqual(INDICATOR_KEYS);
  });

  test("is switched one by one", () => {
    expect(toggled(["rsi"], "sma_20")).toEqual(["sma_20", "rsi"]);
    expect(toggled(["sma_20", "rsi"], "sma_20")).toEqual(["rsi"]);
  });

  test("puts averages and bands over the price, the others into panes", () => {
    expect(paneKeys(INDICATOR_KEYS)).toEqual(["rsi", "macd", "atr", "volatility", "volume_ratio", "buy_sell_ratio", "momentum"]);
  });

  test("offers every field of the API once", () => {
    const { open_time, close, bars, layer, ...fields } = analytics(0);
    expect([open_time, close, bars, layer]).toHaveLength(4);
    const shown = INDICATOR_KEYS.flatMap((key) => INDICATORS[key].lines.map(({ field }) => field));
    expect(shown.sort()).toEqual(Object.keys(fields).sort());
  });
});

test("numbers are written in their unit", () => {
  expect(WRITTEN.price(27_345.123)).toBe("27,345.12");
  expect(WRITTEN.points(61.27)).toBe("61.3");
  expect(WRITTEN.percent(48.04)).toBe("48.0 %");
  expect(WRITTEN.change(-0.314)).toBe("−0.31 %");
  expect(WRITTEN.ratio(1.2345)).toBe("1.23");
});

describe("warming up", () => {
  const after = { ema_50: 1_000, macd: 520, macd_signal: 520, macd_histogram: 520 };

  test("is counted by the bars that the series has seen", () => {
    expect(warmUp("ema_50", analytics(0, { bars: 200 }), after)).toEqual({ bars: 200, after: 1_000 });
    expect(warmUp("macd", analytics(0, { bars: 519 }), after)).toEqual({ bars: 519, after: 520 });
  });

  test("is over from the bar on that the API names, and never was for a window", () => {
    expect(warmUp("ema_50", analytics(0, { bars: 1_000 }), after)).toBeNull();
    expect(warmUp("sma_50", analytics(0, { bars: 1 }), after)).toBeNull();
    expect(warmUp("ema_50", analytics(0, { bars: null }), after)).toBeNull();
  });
});

describe("points of an indicator", () => {
  const points = (minutes: number[], rows: Analytics[], gaps = candles([]).meta.gaps) => {
    const slots = slotsOf(minutes.map((minute) => candle(minute)), MINUTE_MS);
    const spans = gapSpans(gaps, slots, MINUTE_MS, "UTC");
    return indicatorPoints(slots, analyticsAt(rows), "rsi_14", spans).map(({ value, endsLine }) => [value, endsLine]);
  };

  test("leave a hole where it is undefined, and never stand at 0", () => {
    const rows = [analytics(0, { rsi_14: 40 }), analytics(1), analytics(2, { rsi_14: 50 })];
    expect(points([0, 1, 2], rows)).toEqual([[40, true], [null, false], [50, false]]);
  });

  test("leave a hole where a bar has no row", () => {
    expect(points([0, 1, 2], [analytics(0, { rsi_14: 40 }), analytics(2, { rsi_14: 50 })])).toEqual([
      [40, true],
      [null, false],
      [50, false],
    ]);
  });

  test("go on where merely nobody traded, and break inside a gap", () => {
    const rows = [analytics(0, { rsi_14: 40 }), analytics(2, { rsi_14: 50 }), analytics(4, { rsi_14: 60 })];
    const gap = { from: candle(3).open_time, to: candle(4).open_time, missing_trades: null };
    expect(points([0, 2, 4], rows, [gap])).toEqual([[40, false], [null, false], [50, true], [null, false], [60, false]]);
  });

  test("end with the newest final bar, which leads nowhere", () => {
    expect(points([0, 1], [analytics(0, { rsi_14: 40 })])).toEqual([[40, false], [null, false]]);
  });
});

describe("what of an indicator must be drawn again", () => {
  const point = (openMs: number, value: number | null) => ({ openMs, value, endsLine: false });
  const before = [point(0, 1), point(1, 2), point(2, null)];

  test("is nothing, the last point, or what is new", () => {
    expect(changedFrom(before, [...before])).toBe(3);
    expect(changedFrom(before, [point(0, 1), point(1, 2), point(2, 3)])).toBe(2);
    expect(changedFrom(before, [...before, point(3, 4)])).toBe(3);
  });

  test("is everything when an older point changed or the beginning moved", () => {
    expect(changedFrom(before, [point(0, 1), point(1, 9), point(2, null)])).toBeNull();
    expect(changedFrom(before, [point(1, 2), point(2, null), point(3, 1)])).toBeNull();
    expect(changedFrom(before, before.slice(0, 2))).toBeNull();
    expect(changedFrom([], before)).toBeNull();
  });
});

describe("merging indicators", () => {
  const series = (data: Analytics[]): AnalyticsSeries => ({
    data,
    meta: { ...candles([]).meta, warm_after_bars: {} },
  });

  test("takes the newer row of a bar, keeps time's order and the newest rows", () => {
    const held = series([analytics(0), analytics(1, { rsi_14: 40 })]);
    const merged = mergeAnalytics(held, series([analytics(3), analytics(2), analytics(1, { rsi_14: 41 })]), 3);
    expect(merged.data).toEqual([analytics(1, { rsi_14: 41 }), analytics(2), analytics(3)]);
  });

  test("asks on from the newest row", () => {
    expect(analyticsTailFromMs(series([analytics(0), analytics(5)]))).toBe(Date.parse(analytics(5).open_time));
    expect(analyticsTailFromMs(series([]))).toBeNull();
  });
});

test.each([
  [0.5, 1, 1],
  [3, 1, 3],
  [3, 2, 6],
  [10, 1, 7],
  [20, 2, 32],
])("a body at %d px a bar, pixel ratio %d, is %d device pixels wide", (spacing, ratio, width) => {
  expect(bodyWidthPx(spacing, ratio)).toBe(width);
});
