/**
 * Candles as the chart needs them: one slot for each interval between the first and the last bar,
 * empty where nobody traded, so that time runs evenly. Pure; times are milliseconds UTC.
 */
import type { Candle, CandleMeta, Candles, Gap } from "../api/types";
import { formatCount, formatSpan, formatTime, type Zone } from "../format";

export interface Slot {
  openMs: number;
  /** null: no trade in this interval. */
  candle: Candle | null;
}

function openMs(candle: Candle): number {
  return Date.parse(candle.open_time);
}

function isSameCandle(a: Candle, b: Candle): boolean {
  const keys = Object.keys(a) as (keyof Candle)[];
  return keys.every((key) => a[key] === b[key]);
}

function holds(outer: Gap, inner: Gap): boolean {
  return Date.parse(outer.from) <= Date.parse(inner.from) && Date.parse(inner.to) <= Date.parse(outer.to);
}

/**
 * `newer` replaces what `held` says from its first bar on. A bar that did not change stays the
 * same object, so that the chart draws only what changed.
 */
export function mergeCandles(held: Candles, newer: Candles, mostBars: number): Candles {
  if (newer.data.length === 0) return { data: held.data, meta: { ...newer.meta, gaps: held.meta.gaps } };
  const fromMs = Math.min(...newer.data.map(openMs));
  const known = new Map(held.data.map((candle) => [candle.open_time, candle]));
  const kept = held.data.filter((candle) => openMs(candle) < fromMs);
  const tail = newer.data.map((candle) => {
    const before = known.get(candle.open_time);
    return before && isSameCandle(before, candle) ? before : candle;
  });
  const oldGaps = held.meta.gaps.filter((gap) => Date.parse(gap.from) < fromMs);
  // A gap that reaches over the beginning of the newer answer is cut off there: the old one is whole.
  const newGaps = newer.meta.gaps.filter((gap) => !oldGaps.some((old) => holds(old, gap)));
  const outgrown = (old: Gap): boolean => newGaps.some((gap) => holds(gap, old));
  const gaps = [...oldGaps.filter((old) => !outgrown(old)), ...newGaps];
  const meta: CandleMeta = { ...newer.meta, gaps };
  return { data: [...kept, ...tail].slice(-mostBars), meta };
}

/** Where to ask on from: a little before the first bar that may still change. */
export function tailFromMs(candles: Candles, intervalMs: number): number | null {
  const open = candles.data.find((candle) => !candle.is_final) ?? candles.data.at(-1);
  return open ? openMs(open) - 2 * intervalMs : null;
}

/** More slots than this are no chart: after a long rest the bars may stand far apart. */
const MOST_SLOTS = 20_000;

/** Bars in any order; of two that open together the later one counts. */
export function slotsOf(candles: readonly Candle[], intervalMs: number): Slot[] {
  const byTime = new Map(candles.map((candle) => [openMs(candle), candle]));
  const inTime = [...byTime].filter(([ms]) => Number.isFinite(ms)).sort(([a], [b]) => a - b);
  const newestMs = inTime.at(-1)?.[0] ?? 0;
  const slots: Slot[] = [];
  for (const [atMs, candle] of inTime) {
    if (atMs < newestMs - MOST_SLOTS * intervalMs) continue;
    const last = slots.at(-1);
    if (last) {
      for (let ms = last.openMs + intervalMs; ms < atMs; ms += intervalMs) {
        slots.push({ openMs: ms, candle: null });
      }
    }
    slots.push({ openMs: atMs, candle });
  }
  return slots;
}

/**
 * Indexes of `next` that differ from `previous`; null when the chart must be filled anew (another
 * beginning, a bar in a slot that was empty, or more changes than an update is worth).
 */
export function changedSlots(previous: readonly Slot[], next: readonly Slot[]): number[] | null {
  if (previous.length === 0 || next.length < previous.length) return null;
  if (previous[0]?.openMs !== next[0]?.openMs) return null;
  const changed: number[] = [];
  for (const [at, slot] of next.entries()) {
    const before = previous[at];
    if (before && before.openMs === slot.openMs && before.candle === slot.candle) continue;
    if (before && (before.candle === null || slot.candle === null)) return null;
    changed.push(at);
  }
  return changed.length > 200 ? null : changed;
}

export interface GapSpan {
  /** Position in slots, possibly between two; 0 is the left edge of the first slot. */
  from: number;
  to: number;
  /** All that is known of it. */
  words: string;
  /** The same in lines, for where there is less room; and in a word. */
  lines: readonly string[];
  word: string;
}

/** "12:10 to 12:52", with the dates where it lasts over midnight. */
function gapTimes(gap: Gap, zone: Zone): string {
  const isOneDay = formatTime(gap.from, zone, "date") === formatTime(gap.to, zone, "date");
  const isShort = Date.parse(gap.to) - Date.parse(gap.from) < 120_000;
  const style = !isOneDay ? "dateMinute" : isShort ? "time" : "minute";
  return `${formatTime(gap.from, zone, style)} to ${formatTime(gap.to, zone, style)}`;
}

function gapLength(gap: Gap): string {
  return formatSpan(Date.parse(gap.to) - Date.parse(gap.from));
}

function gapLines(gap: Gap, zone: Zone): string[] {
  const lines = [`feed down ${gapLength(gap)}`, gapTimes(gap, zone)];
  return gap.missing_trades === null ? lines : [...lines, `${formatCount(gap.missing_trades)} trades missing`];
}

/** All that is known of a gap, in words. */
export function gapWords(gap: Gap, zone: Zone): string {
  return gapLines(gap, zone).join(", ");
}

/** The gap that an interval touches; null when the feed held. */
export function gapAt(gaps: readonly Gap[], openMs: number, intervalMs: number): Gap | null {
  return gaps.find((gap) => Date.parse(gap.from) < openMs + intervalMs && Date.parse(gap.to) > openMs) ?? null;
}

/** The gaps inside the drawn slots; what lies outside is cut off. */
export function gapSpans(gaps: readonly Gap[], slots: readonly Slot[], intervalMs: number, zone: Zone): GapSpan[] {
  const startMs = slots[0]?.openMs;
  if (startMs === undefined) return [];
  return gaps
    .map((gap) => ({
      from: Math.max(0, (Date.parse(gap.from) - startMs) / intervalMs),
      to: Math.min(slots.length, (Date.parse(gap.to) - startMs) / intervalMs),
      words: gapWords(gap, zone),
      lines: gapLines(gap, zone),
      word: gapLength(gap),
    }))
    .filter((span) => span.to > span.from);
}

/** The slot that opens at a moment; null outside of the chart. */
export function slotAt(slots: readonly Slot[], openMs: number, intervalMs: number): Slot | null {
  const startMs = slots[0]?.openMs ?? 0;
  return slots[(openMs - startMs) / intervalMs] ?? null;
}

/** Percent from open to close; null when the bar opened at 0. */
export function changeInBar(candle: Candle): number | null {
  return candle.open === 0 ? null : (candle.close / candle.open - 1) * 100;
}
