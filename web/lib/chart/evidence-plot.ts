/**
 * The evidence of an anomaly as lines in a box. Lines in dollars share one scale, because what lies
 * between them is what an anomaly is about; others have their own. Pure.
 */
import type { Evidence } from "@/lib/api/types";

export interface PlotLine {
  name: string;
  /** What the line is in. */
  unit: string;
  lowest: number;
  highest: number;
  /** Points of an SVG polyline. */
  points: string;
}

export interface Plot {
  lines: PlotLine[];
  /** The episode, in the box. */
  shade: { x: number; width: number };
  fromMs: number;
  toMs: number;
}

export const WIDTH = 1_000;
export const HEIGHT = 260;
/** Above and below the lines. */
const ROOM = 16;

interface Series {
  name: string;
  unit: string;
  samples: readonly (readonly [ms: number, amount: number])[];
}

function seriesOf(evidence: Evidence): Series[] {
  const isRanking = evidence.snapshots.length > 1;
  return [
    ...evidence.markets.map(({ symbol, quote, bars }) => ({
      name: symbol,
      unit: quote,
      samples: bars.map((bar) => [Date.parse(bar.open_time), bar.close] as const),
    })),
    ...evidence.snapshots.map(({ source, coin_id, points }) => ({
      name: isRanking ? `${coin_id}, market cap` : `${coin_id} by ${source}`,
      unit: "USD",
      samples: points.flatMap((point) => {
        const amount = isRanking ? point.market_cap_usd : point.price_usd;
        return amount === null ? [] : [[Date.parse(point.time), amount] as const];
      }),
    })),
  ].filter(({ samples }) => samples.length > 0);
}

/** Lines that share a unit share their scale: only so a distance between them is one. */
function scalesOf(series: readonly Series[]): Map<string, readonly [number, number]> {
  const scales = new Map<string, readonly [number, number]>();
  for (const { unit, samples } of series) {
    const amounts = samples.map(([, amount]) => amount);
    const [lowest, highest] = scales.get(scaleOf(unit)) ?? [Infinity, -Infinity];
    scales.set(scaleOf(unit), [Math.min(lowest, ...amounts), Math.max(highest, ...amounts)]);
  }
  return scales;
}

/** Dollars of all kinds are one scale: that they are not worth the same is what one wants to see. */
function scaleOf(unit: string): string {
  return ["USD", "USDT", "USDC"].includes(unit) ? "dollars" : unit;
}

/** Null where there is nothing to draw. */
export function evidencePlot(evidence: Evidence, startedAt: string, endedAt: string | null): Plot | null {
  const series = seriesOf(evidence);
  if (series.length === 0) return null;
  const fromMs = Date.parse(evidence.from);
  const toMs = Date.parse(evidence.to);
  const x = (ms: number): number => round(((ms - fromMs) / (toMs - fromMs)) * WIDTH);
  const scales = scalesOf(series);
  const lines = series.map(({ name, unit, samples }) => {
    const [lowest, highest] = scales.get(scaleOf(unit)) ?? [0, 1];
    const spread = highest - lowest || 1;
    const y = (amount: number): number => round(HEIGHT - ROOM - ((amount - lowest) / spread) * (HEIGHT - 2 * ROOM));
    const points = samples.map(([ms, amount]) => `${x(ms)},${y(amount)}`).join(" ");
    const amounts = samples.map(([, amount]) => amount);
    return { name, unit, lowest: Math.min(...amounts), highest: Math.max(...amounts), points };
  });
  const beginX = x(Date.parse(startedAt));
  const endX = x(endedAt === null ? toMs : Date.parse(endedAt));
  // An instant, as a whale is, is still to be seen.
  return { lines, shade: { x: beginX, width: Math.max(endX - beginX, 3) }, fromMs, toMs };
}

function round(at: number): number {
  return Math.round(at * 10) / 10;
}
