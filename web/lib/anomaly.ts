/** Words for an anomaly: what it is about, its amounts with their units, how long it lasted. */
import type { Anomaly } from "./api/types";
import { compactParts, formatNumber, formatSource, MISSING } from "./format";

/** From here on an amount of money is written short. */
const COMPACT_FROM = 10_000;

/** An amount in the anomaly's unit, in two pieces. */
export function amountParts(amount: number | null, unit: string): { digits: string; unit: string } {
  if (amount === null) return { digits: MISSING, unit: "" };
  if (unit === "pct") return { digits: formatNumber(amount, 2), unit: "%" };
  if (unit === "s") return { digits: formatNumber(amount, 0), unit };
  if (Math.abs(amount) < COMPACT_FROM) return { digits: formatNumber(amount, 2), unit };
  const short = compactParts(amount);
  return { digits: short.digits, unit: [short.unit, unit].filter(Boolean).join(" ") };
}

/** What it is about: its market, else its coin, else its source. */
export function subjectOf(one: Anomaly): string {
  if (one.symbol !== null) return one.other_symbol === null ? one.symbol : `${one.symbol} / ${one.other_symbol}`;
  if (one.coin_id === null) return formatSource(one.source);
  return one.other_coin_id === null ? one.coin_id : `${one.coin_id} / ${one.other_coin_id}`;
}

export const PHASE_NAMES: Record<Anomaly["phase"], string> = {
  opened: "Open",
  peaked: "Open",
  resolved: "Resolved",
};
