/** Where a figure comes from, as the lines of its tooltip. */
import { formatSource, formatTime, type Zone } from "./format";

export interface Provenance {
  source: string | null;
  /** What of the source: a market's last trade, a snapshot. */
  what: string;
  observedAt: string | null;
  collectedAt?: string | null;
}

/** A moment in the reader's zone; with UTC beside it where the reader chose another. */
export function formatMoment(moment: string | number | null, zone: Zone): string {
  const utc = `${formatTime(moment, "UTC", "dateTime")} UTC`;
  return zone === "UTC" ? utc : `${formatTime(moment, zone, "dateTime")} (${utc})`;
}

export function provenanceText(origin: Provenance, zone: Zone): string {
  const lines = [`Source: ${formatSource(origin.source)}, ${origin.what}`];
  lines.push(`Observed: ${origin.observedAt ? formatMoment(origin.observedAt, zone) : "unknown"}`);
  if (origin.collectedAt) lines.push(`Collected: ${formatMoment(origin.collectedAt, zone)}`);
  return lines.join("\n");
}
