"use client";
/** Candles of one market and the indicators at them, live. */
import { analyticsPath, type BarQuery, candlesPath } from "./api/paths";
import type { AnalyticsSeries, Answer, Candles } from "./api/types";
import { mergeCandles, tailFromMs } from "./chart/candle-series";
import { analyticsTailFromMs, mergeAnalytics } from "./chart/indicator-series";
import { type SeriesNow, useTail } from "./use-tail";

const BARS_EVERY_MS = 1_000;
/** Indicators change when a bar is final, a minute and more apart; a replay is faster. */
const INDICATORS_EVERY_MS = 2_000;

export function useCandles(
  query: BarQuery,
  intervalMs: number,
  mostBars: number,
  initial: Answer<Candles>,
): SeriesNow<Candles> {
  return useTail<Candles>({
    fromMs: query.fromMs,
    initial,
    everyMs: BARS_EVERY_MS,
    pathFrom: (fromMs) => candlesPath({ ...query, fromMs }),
    tailFromMs: (held) => tailFromMs(held, intervalMs),
    merge: (held, newer) => mergeCandles(held, newer, mostBars),
  });
}

/** Asks only while `isWanted`. */
export function useAnalytics(query: BarQuery, mostBars: number, isWanted: boolean): SeriesNow<AnalyticsSeries> {
  return useTail<AnalyticsSeries>({
    fromMs: query.fromMs,
    initial: null,
    everyMs: INDICATORS_EVERY_MS,
    pathFrom: (fromMs) => (isWanted ? analyticsPath({ ...query, fromMs }) : null),
    tailFromMs: analyticsTailFromMs,
    merge: (held, newer) => mergeAnalytics(held, newer, mostBars),
  });
}
