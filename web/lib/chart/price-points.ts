/**
 * Snapshots as a line needs them: one slot for each window between the first and the last, empty
 * where no snapshot arrived, so that time runs evenly. Pure; times are milliseconds UTC.
 */
import type { HistoryPoint } from "../api/types";

export interface PriceSlot {
  openMs: number;
  /** null: no snapshot with a price in this window. */
  point: (HistoryPoint & { price_usd: number }) | null;
}

export function priceSlots(points: readonly HistoryPoint[], intervalMs: number): PriceSlot[] {
  const slots: PriceSlot[] = [];
  for (const point of points) {
    const { price_usd } = point;
    if (price_usd === null) continue;
    const openMs = Date.parse(point.time);
    const last = slots.at(-1);
    for (let ms = last ? last.openMs + intervalMs : openMs; ms < openMs; ms += intervalMs) {
      slots.push({ openMs: ms, point: null });
    }
    slots.push({ openMs, point: { ...point, price_usd } });
  }
  return slots;
}
