/** What the list of anomalies shows, in the URL: /anomalies?kind=whale&severity=high&coin=bitcoin */
import type { AnomalyKind, Severity } from "@/lib/api/types";

/** Every kind with its name; a kind that the API adds fails the build here. */
export const KIND_NAMES: Record<AnomalyKind, string> = {
  price_move: "Price move",
  volume: "Volume",
  divergence: "Divergence",
  whale: "Whale",
  pump: "Pump",
  overtake: "Overtake",
  silence: "Silence",
};
export const SEVERITY_NAMES: Record<Severity, string> = {
  low: "Low",
  medium: "Medium",
  high: "High",
  critical: "Critical",
};
export const KINDS = Object.keys(KIND_NAMES) as AnomalyKind[];
export const SEVERITIES = Object.keys(SEVERITY_NAMES) as Severity[];

export interface AnomaliesState {
  /** Null means all. */
  kind: AnomalyKind | null;
  severity: Severity | null;
  coin: string | null;
  /** The page: as the API's `meta.next` named it; null is the newest page. */
  page: Page | null;
}

/** A later page of a range that stands still. */
export interface Page {
  from: string;
  to: string;
  before: string;
}

export const NEWEST: AnomaliesState = { kind: null, severity: null, coin: null, page: null };

export function parseAnomaliesState(query: URLSearchParams): AnomaliesState {
  return {
    kind: KINDS.find((kind) => kind === query.get("kind")) ?? null,
    severity: SEVERITIES.find((severity) => severity === query.get("severity")) ?? null,
    coin: query.get("coin") || null,
    page: pageOf(query),
  };
}

function pageOf(query: URLSearchParams): Page | null {
  const [from, to, before] = [query.get("from"), query.get("to"), query.get("before")];
  return from && to && before ? { from, to, before } : null;
}

/** The shortest URL that means this state. */
export function anomaliesUrl(state: AnomaliesState): string {
  const text = anomaliesQuery(state).toString();
  return text ? `/anomalies?${text}` : "/anomalies";
}

export function anomaliesQuery({ kind, severity, coin, page }: AnomaliesState): URLSearchParams {
  const query = new URLSearchParams();
  if (kind !== null) query.set("kind", kind);
  if (severity !== null) query.set("severity", severity);
  if (coin !== null) query.set("coin", coin);
  if (page !== null) for (const [name, text] of Object.entries(page)) query.set(name, text);
  return query;
}

/** The page after this one; null where there is none. */
export function olderPage(state: AnomaliesState, next: string | null): AnomaliesState | null {
  const page = next === null ? null : pageOf(new URLSearchParams(next.split("?")[1]));
  return page && { ...state, page };
}
