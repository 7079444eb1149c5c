/** The chart's state in the URL: /coins/bitcoin?market=BTCUSDC&interval=5m&range=24h&indicators=sma_20+rsi */
import { type IndicatorKey, parseIndicators } from "@/lib/chart/indicators";

export const INTERVALS = ["1s", "1m", "5m", "15m", "1h", "4h", "1d"] as const;
export type Interval = (typeof INTERVALS)[number];

/** Of a price line; bars of seconds have a shorter one. */
export const HISTORY_RANGES = ["1h", "6h", "24h", "7d", "30d", "1y"] as const;
export type HistoryRange = (typeof HISTORY_RANGES)[number];

export const RANGES = ["15m", ...HISTORY_RANGES] as const;
export type Range = (typeof RANGES)[number];

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const INTERVAL_MS: Record<Interval, number> = {
  "1s": SECOND_MS,
  "1m": MINUTE_MS,
  "5m": 5 * MINUTE_MS,
  "15m": 15 * MINUTE_MS,
  "1h": HOUR_MS,
  "4h": 4 * HOUR_MS,
  "1d": DAY_MS,
};

export const RANGE_MS: Record<Range, number> = {
  "15m": 15 * MINUTE_MS,
  "1h": HOUR_MS,
  "6h": 6 * HOUR_MS,
  "24h": DAY_MS,
  "7d": 7 * DAY_MS,
  "30d": 30 * DAY_MS,
  "1y": 365 * DAY_MS,
};

/** The API answers at most this many bars. */
export const MOST_BARS = 10_000;
/** Fewer than this is no chart. */
const FEWEST_BARS = 4;
/** A new interval keeps the range if that shows at least this many bars. */
const ENOUGH_BARS = 24;

const USUAL_RANGE: Record<Interval, Range> = {
  "1s": "15m",
  "1m": "6h",
  "5m": "24h",
  "15m": "7d",
  "1h": "30d",
  "4h": "30d",
  "1d": "1y",
};

export interface ChartState {
  /** Exchange symbol; null is the coin's main market. */
  market: string | null;
  interval: Interval;
  range: Range;
  /** Each once, in the order of the table. */
  indicators: readonly IndicatorKey[];
}

/** Why indicators cannot be shown in bars of this interval; null when they can. */
export function whyNoIndicators(interval: Interval): string | null {
  return interval === "1s" ? "Indicators are kept for bars of a minute and longer" : null;
}

/** Why this range cannot be shown in bars of this interval; null when it can. */
export function whyNot(interval: Interval, range: Range): string | null {
  const bars = RANGE_MS[range] / INTERVAL_MS[interval];
  if (bars > MOST_BARS) return `More than ${MOST_BARS.toLocaleString("en-US")} bars of ${interval}`;
  if (bars < FEWEST_BARS) return `Fewer than ${FEWEST_BARS} bars of ${interval}`;
  return null;
}

/** Keeps the range where the new interval can show it, else takes the interval's usual one. */
export function withInterval(state: ChartState, interval: Interval): ChartState {
  const isEnough = RANGE_MS[state.range] / INTERVAL_MS[interval] >= ENOUGH_BARS;
  const isKept = isEnough && whyNot(interval, state.range) === null;
  return { ...state, interval, range: isKept ? state.range : USUAL_RANGE[interval] };
}

/** How far apart the points of a price line stand. */
export const HISTORY_INTERVAL: Record<HistoryRange, "5m" | "1h" | "1d"> = {
  "1h": "5m",
  "6h": "5m",
  "24h": "5m",
  "7d": "1h",
  "30d": "1h",
  "1y": "1d",
};

const USUAL_HISTORY: HistoryRange = "24h";

/** The range of a price line, which has no interval of its own: /coins/tether?range=7d */
export function parseHistoryRange(query: URLSearchParams): HistoryRange {
  return HISTORY_RANGES.find((known) => known === query.get("range")) ?? USUAL_HISTORY;
}

export function historyUrl(coinId: string, range: HistoryRange): string {
  return `/coins/${encodeURIComponent(coinId)}${range === USUAL_HISTORY ? "" : `?range=${range}`}`;
}

export function parseChartState(query: URLSearchParams): ChartState {
  const interval = INTERVALS.find((known) => known === query.get("interval")) ?? "1m";
  const asked = RANGES.find((known) => known === query.get("range"));
  const range = asked && whyNot(interval, asked) === null ? asked : USUAL_RANGE[interval];
  return { market: query.get("market"), interval, range, indicators: parseIndicators(query.get("indicators")) };
}

/** The shortest URL that means this state. */
export function chartUrl(coinId: string, state: ChartState): string {
  const query = new URLSearchParams();
  if (state.market !== null) query.set("market", state.market);
  if (state.interval !== "1m") query.set("interval", state.interval);
  if (state.range !== USUAL_RANGE[state.interval]) query.set("range", state.range);
  if (state.indicators.length > 0) query.set("indicators", state.indicators.join(" "));
  const text = query.toString();
  return `/coins/${encodeURIComponent(coinId)}${text ? `?${text}` : ""}`;
}
