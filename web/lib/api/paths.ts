/** The API's addresses, each with the type of its answer. */
import type {
  AnalyticsSeries,
  Anomaly,
  AnomalyDetail,
  Candles,
  CoinDetail,
  CoinRow,
  Envelope,
  FearGreed,
  GlobalMarket,
  Health,
  History,
  NewsRow,
  Pipeline,
  QualityRow,
  RecordedGap,
  SourceHealth,
} from "./types";

/** A path of the API; `T` is what it answers. */
export type Path<T> = string & { readonly answers?: T };

export const HEALTH: Path<Envelope<Health>> = "/health";

/** All coins in one answer: the table sorts and filters them itself. */
export const COINS: Path<Envelope<CoinRow[]>> = "/coins?per_page=250";

/** How the platform itself does. */
export const PIPELINE: Path<Envelope<Pipeline>> = "/pipeline";
export const SOURCES: Path<Envelope<SourceHealth[]>> = "/sources";
export const GAPS: Path<Envelope<RecordedGap[]>> = "/gaps";
/** The worst hundred series: markets, and snapshots of a coin by a source. */
export const QUALITY: Path<Envelope<QualityRow[]>> = "/quality?limit=100";

/** Totals and the newest cross-sections. */
export const GLOBAL: Path<Envelope<GlobalMarket>> = "/global";

export function coinPath(coinId: string): Path<Envelope<CoinDetail>> {
  return `/coins/${encodeURIComponent(coinId)}`;
}

/** What of a market is asked for: its bars, or its indicators at them. */
export interface BarQuery {
  coinId: string;
  symbol: string | null;
  interval: string;
  /** Milliseconds UTC; null leaves the choice to the API. */
  fromMs: number | null;
}

function barPath(what: string, { coinId, symbol, interval, fromMs }: BarQuery): string {
  const query = new URLSearchParams({ interval });
  if (symbol !== null) query.set("symbol", symbol);
  if (fromMs !== null) query.set("from", new Date(fromMs).toISOString());
  return `/coins/${encodeURIComponent(coinId)}/${what}?${query}`;
}

export function candlesPath(query: BarQuery): Path<Candles> {
  return barPath("candles", query);
}

export function analyticsPath(query: BarQuery): Path<AnalyticsSeries> {
  return barPath("analytics", query);
}

export interface HistoryQuery {
  coinId: string;
  interval: string;
  /** Milliseconds UTC; null leaves the choice to the API. */
  fromMs: number | null;
}

export function historyPath({ coinId, interval, fromMs }: HistoryQuery): Path<History> {
  const query = new URLSearchParams({ interval });
  if (fromMs !== null) query.set("from", new Date(fromMs).toISOString());
  return `/coins/${encodeURIComponent(coinId)}/history?${query}`;
}

/** Episodes that a query picks, newest first. */
export function anomaliesPath(query: URLSearchParams): Path<Envelope<Anomaly[]>> {
  return query.size > 0 ? `/anomalies?${query}` : "/anomalies";
}

export function anomalyPath(anomalyId: string): Path<Envelope<AnomalyDetail>> {
  return `/anomalies/${encodeURIComponent(anomalyId)}`;
}

/** Stories that a query picks, newest first. */
export function newsPath(query: URLSearchParams): Path<Envelope<NewsRow[]>> {
  return query.size > 0 ? `/news?${query}` : "/news";
}

/** The index now and over a year. */
export const FEAR_GREED: Path<Envelope<FearGreed>> = "/fear-greed?days=365";
