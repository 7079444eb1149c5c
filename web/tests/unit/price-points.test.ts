import { expect, test } from "vitest";
import { priceSlots } from "@/lib/chart/price-points";

const NOON_MS = Date.parse("2023-03-11T12:00:00.000Z");
const STEP_MS = 300_000;

function point(at: number, price_usd: number | null) {
  return { time: new Date(NOON_MS + at * STEP_MS).toISOString(), price_usd, market_cap_usd: null, volume_24h_usd: null };
}

test("windows without a snapshot or without a price are empty slots, so that time runs evenly", () => {
  const slots = priceSlots([point(0, 1), point(2, null), point(3, 1.1)], STEP_MS);
  expect(slots.map((slot) => (slot.openMs - NOON_MS) / STEP_MS)).toEqual([0, 1, 2, 3]);
  expect(slots.map((slot) => slot.point?.price_usd ?? null)).toEqual([1, null, null, 1.1]);
});

test("without any price there is no slot", () => {
  expect(priceSlots([point(0, null)], STEP_MS)).toEqual([]);
});
