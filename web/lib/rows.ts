/** What is known about one coin's row besides its numbers. */
import type { CoinDetail, CoinRow } from "./api/types";
import { formatSource } from "./format";
import type { Provenance } from "./provenance";

/** Equal in everything that is shown, so that it need not be drawn again. */
export function isSameRow(a: CoinRow, b: CoinRow): boolean {
  const keys = Object.keys(a) as (keyof CoinRow)[];
  return keys.every((key) => a[key] === b[key]);
}

/** The row when nothing tells any more how new it is. */
export function lostRow<Row extends CoinRow>(row: Row): Row {
  return { ...row, price_is_stale: true, is_stale: true };
}

export function lostCoin(coin: CoinDetail): CoinDetail {
  const stale = { is_stale: true };
  return {
    ...lostRow(coin),
    markets: coin.markets.map((market) => ({ ...market, ...stale })),
    sources: coin.sources.map((source) => ({ ...source, ...stale })),
  };
}

export function priceProvenance(row: CoinRow): Provenance {
  const isTrade = row.price_market !== null;
  return {
    source: row.price_source,
    what: isTrade ? `last trade of ${row.price_market}` : "snapshot",
    observedAt: row.price_observed_at,
    collectedAt: isTrade ? null : row.collected_at,
  };
}

export function snapshotProvenance(row: CoinRow): Provenance {
  return {
    source: row.source,
    what: "snapshot",
    observedAt: row.observed_at,
    collectedAt: row.collected_at,
  };
}

export function whyNoPrice(row: CoinRow): string {
  return row.observed_at === null
    ? "No trade and no snapshot of this coin has arrived yet"
    : `${formatSource(row.source)} gave no price, and no trade has arrived`;
}

export function whyNoFigure(row: CoinRow, figure: string): string {
  return row.observed_at === null
    ? "No snapshot of this coin has arrived yet"
    : `${formatSource(row.source)} gives no ${figure} for this coin`;
}
