/** Indicators laid on the chart's slots. Pure; times are milliseconds UTC. */
import type { Analytics, AnalyticsSeries } from "../api/types";
import type { GapSpan, Slot } from "./candle-series";
import type { IndicatorField } from "./indicators";

/** By the opening of their bar. */
export type AnalyticsAt = ReadonlyMap<number, Analytics>;

export function analyticsAt(rows: readonly Analytics[]): AnalyticsAt {
  return new Map(rows.map((row) => [Date.parse(row.open_time), row]));
}

/** Both, by time; where both have a bar, `newer` is right. */
export function mergeAnalytics(held: AnalyticsSeries, newer: AnalyticsSeries, mostBars: number): AnalyticsSeries {
  const rows = new Map([...analyticsAt(held.data), ...analyticsAt(newer.data)]);
  const inTime = [...rows].sort(([a], [b]) => a - b).map(([, row]) => row);
  return { data: inTime.slice(-mostBars), meta: newer.meta };
}

/** Where to ask on from: the newest row, which may be written again. */
export function analyticsTailFromMs(held: AnalyticsSeries): number | null {
  const last = held.data.at(-1);
  return last ? Date.parse(last.open_time) : null;
}

export interface IndicatorPoint {
  openMs: number;
  value: number | null;
  /** The line must not lead on from here: the next value stands behind a hole. */
  endsLine: boolean;
}

/**
 * One point a slot. A bar whose indicator is undefined, or not written yet, is a hole, and so is an
 * interval inside a gap of the feed. Where merely nobody traded the line goes on: indicators run
 * over the bars that exist.
 */
export function indicatorPoints(
  slots: readonly Slot[],
  rows: AnalyticsAt,
  field: IndicatorField,
  gaps: readonly GapSpan[],
): IndicatorPoint[] {
  const points: IndicatorPoint[] = [];
  let isLater = false;
  let isHole = false;
  for (let at = slots.length - 1; at >= 0; at -= 1) {
    const slot = slots[at];
    if (!slot) continue;
    const value = rows.get(slot.openMs)?.[field] ?? null;
    if (value === null) {
      isHole ||= slot.candle !== null || gaps.some((gap) => gap.from < at + 1 && gap.to > at);
      points.push({ openMs: slot.openMs, value, endsLine: false });
    } else {
      points.push({ openMs: slot.openMs, value, endsLine: isLater && isHole });
      isLater = true;
      isHole = false;
    }
  }
  return points.reverse();
}

/** From which index on the points differ; null when a series must be filled anew. */
export function changedFrom(drawn: readonly IndicatorPoint[], next: readonly IndicatorPoint[]): number | null {
  if (drawn.length === 0 || next.length < drawn.length) return null;
  const at = drawn.findIndex((point, index) => {
    const now = next[index];
    return now?.openMs !== point.openMs || now.value !== point.value || now.endsLine !== point.endsLine;
  });
  if (at < 0) return drawn.length;
  return at < drawn.length - 1 ? null : at;
}
