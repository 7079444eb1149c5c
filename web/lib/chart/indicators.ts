/**
 * The indicators that a chart can show. A new one is an entry here; definitions stand in
 * docs/methodology.md. Pure.
 */
import type { Analytics } from "../api/types";
import { formatNumber, formatPercent, formatPrice } from "../format";

export type IndicatorField = Exclude<keyof Analytics, "open_time" | "close" | "bars" | "layer">;

/** How its numbers are written. Prices are in the quote, `points` go from 0 to 100. */
export type Unit = "price" | "points" | "percent" | "change" | "ratio";

/** Prices may share `decimals`. */
export const WRITTEN: Record<Unit, (amount: number, decimals?: number) => string> = {
  price: formatPrice,
  points: (amount) => formatNumber(amount, 1),
  percent: (amount) => `${formatNumber(amount, 1)} %`,
  change: (amount) => formatPercent(amount),
  ratio: (amount) => formatNumber(amount, 2),
};

/** A token of the palette. */
export type SeriesInk = "series1" | "series2" | "series3" | "series4" | "ink3";

export interface IndicatorLine {
  field: IndicatorField;
  /** What tells it from its indicator's other lines. */
  label: string;
  ink: SeriesInk;
  style: "solid" | "dashed" | "columns";
}

export interface Indicator {
  label: string;
  /** One sentence for who does not know the name. */
  about: string;
  place: "price" | "pane";
  unit: Unit;
  lines: readonly IndicatorLine[];
  /** Levels that are looked at: a faint line each. */
  levels: readonly number[];
}

export const INDICATOR_KEYS = [
  ...["sma_5", "sma_10", "sma_20", "sma_50"] as const,
  ...["ema_5", "ema_10", "ema_20", "ema_50"] as const,
  ...["bollinger", "rsi", "macd", "atr", "volatility", "volume_ratio", "buy_sell_ratio", "momentum"] as const,
] as const;
export type IndicatorKey = (typeof INDICATOR_KEYS)[number];

const LENGTH_INK = { 5: "series1", 10: "series2", 20: "series3", 50: "series4" } as const;
type Length = keyof typeof LENGTH_INK;

function sma(length: Length): Indicator {
  return {
    label: `SMA ${length}`,
    about: `Mean of the last ${length} closes`,
    place: "price",
    unit: "price",
    lines: [{ field: `sma_${length}`, label: "", ink: LENGTH_INK[length], style: "solid" }],
    levels: [],
  };
}

function ema(length: Length): Indicator {
  return {
    label: `EMA ${length}`,
    about: `Exponential mean of the closes over ${length} bars`,
    place: "price",
    unit: "price",
    lines: [{ field: `ema_${length}`, label: "", ink: LENGTH_INK[length], style: "dashed" }],
    levels: [],
  };
}

interface PaneFacts {
  label: string;
  about: string;
  unit: Unit;
  field: IndicatorField;
  levels?: readonly number[];
}

function pane({ label, about, unit, field, levels = [] }: PaneFacts): Indicator {
  return { label, about, place: "pane", unit, lines: [{ field, label: "", ink: "series1", style: "solid" }], levels };
}

export const INDICATORS: Record<IndicatorKey, Indicator> = {
  sma_5: sma(5),
  sma_10: sma(10),
  sma_20: sma(20),
  sma_50: sma(50),
  ema_5: ema(5),
  ema_10: ema(10),
  ema_20: ema(20),
  ema_50: ema(50),
  bollinger: {
    label: "Bollinger 20, 2",
    about: "Two standard deviations over and under the mean of the last 20 closes",
    place: "price",
    unit: "price",
    lines: [
      { field: "bollinger_upper_20", label: "upper", ink: "ink3", style: "solid" },
      { field: "bollinger_lower_20", label: "lower", ink: "ink3", style: "solid" },
    ],
    levels: [],
  },
  rsi: pane({
    label: "RSI 14",
    about: "Relative strength: over 70 is called overbought, under 30 oversold",
    unit: "points",
    field: "rsi_14",
    levels: [30, 70],
  }),
  macd: {
    label: "MACD 12, 26, 9",
    about: "Fast less slow exponential mean, with its own mean as signal",
    place: "pane",
    unit: "price",
    lines: [
      { field: "macd_histogram", label: "histogram", ink: "ink3", style: "columns" },
      { field: "macd", label: "", ink: "series1", style: "solid" },
      { field: "macd_signal", label: "signal", ink: "series2", style: "solid" },
    ],
    levels: [0],
  },
  atr: pane({ label: "ATR 14", about: "Average true range of a bar", unit: "price", field: "atr_14" }),
  volatility: pane({
    label: "Volatility 20",
    about: "Realised volatility of the last 20 bars, for a year",
    unit: "percent",
    field: "realised_volatility_20_pct",
  }),
  volume_ratio: pane({
    label: "Volume ratio 20",
    about: "Volume over the mean volume of the 20 bars before",
    unit: "ratio",
    field: "volume_ratio_20",
    levels: [1],
  }),
  buy_sell_ratio: pane({
    label: "Buy/sell ratio",
    about: "Volume whose taker bought over volume whose taker sold",
    unit: "ratio",
    field: "buy_sell_ratio",
    levels: [1],
  }),
  momentum: pane({
    label: "Momentum 10",
    about: "Change of the close against ten bars before",
    unit: "change",
    field: "momentum_10_pct",
    levels: [0],
  }),
};

/** The keys that an address names, each once, in the order of the table; the rest is nonsense. */
export function parseIndicators(text: string | null): IndicatorKey[] {
  const named = new Set(text?.split(/[ ,]+/));
  return INDICATOR_KEYS.filter((key) => named.has(key));
}

export function toggled(chosen: readonly IndicatorKey[], key: IndicatorKey): IndicatorKey[] {
  return INDICATOR_KEYS.filter((one) => chosen.includes(one) !== (one === key));
}

export function paneKeys(chosen: readonly IndicatorKey[]): IndicatorKey[] {
  return chosen.filter((key) => INDICATORS[key].place === "pane");
}

export interface WarmUp {
  bars: number;
  after: number;
}

/** How far an indicator still is from its settled value; null when it is there, or cannot be told. */
export function warmUp(key: IndicatorKey, row: Analytics, warmAfter: Readonly<Record<string, number>>): WarmUp | null {
  const after = Math.max(0, ...INDICATORS[key].lines.map(({ field }) => warmAfter[field] ?? 0));
  return row.bars !== null && row.bars < after ? { bars: row.bars, after } : null;
}
