/** The API's addresses, each with the type of its answer. */
import type { Candles, CoinDetail, CoinRow, Envelope, Health, History } from "./types";

/** A path of the API; `T` is what it answers. */
export type Path<T> = string & { readonly answers?: T };

export const HEALTH: Path<Envelope<Health>> = "/health";

/** All coins in one answer: the table sorts and filters them itself. */
export const COINS: Path<Envelope<CoinRow[]>> = "/coins?per_page=250";

export function coinPath(coinId: string): Path<Envelope<CoinDetail>> {
  return `/coins/${encodeURIComponent(coinId)}`;
}

export interface CandleQuery {
  coinId: string;
  symbol: string | null;
  interval: string;
  /** Milliseconds UTC; null leaves the choice to the API. */
  fromMs: number | null;
}

export function candlesPath({ coinId, symbol, interval, fromMs }: CandleQuery): Path<Candles> {
  const query = new URLSearchParams({ interval });
  if (symbol !== null) query.set("symbol", symbol);
  if (fromMs !== null) query.set("from", new Date(fromMs).toISOString());
  return `/coins/${encodeURIComponent(coinId)}/candles?${query}`;
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
