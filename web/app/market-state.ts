/** The market table's state in the URL: /?sort=volume_24h_usd&order=desc&search=bit */
import type { CoinRow } from "@/lib/api/types";

export const SORT_KEYS = [
  "market_cap_rank",
  "name",
  "price_usd",
  "change_1h_pct",
  "change_24h_pct",
  "change_7d_pct",
  "market_cap_usd",
  "volume_24h_usd",
] as const;
export type SortKey = (typeof SORT_KEYS)[number];
export type Order = "asc" | "desc";

export interface MarketState {
  sort: SortKey;
  order: Order;
  search: string;
}

/** The order in which a column is first shown: names and ranks upwards, sums downwards. */
export function firstOrder(sort: SortKey): Order {
  return sort === "name" || sort === "market_cap_rank" ? "asc" : "desc";
}

export function parseMarketState(query: URLSearchParams): MarketState {
  const sort = SORT_KEYS.find((key) => key === query.get("sort")) ?? "market_cap_rank";
  const asked = query.get("order");
  const order = asked === "asc" || asked === "desc" ? asked : firstOrder(sort);
  return { sort, order, search: query.get("search") ?? "" };
}

/** The shortest URL that means this state. */
export function marketUrl(state: MarketState): string {
  const query = new URLSearchParams();
  if (state.sort !== "market_cap_rank") query.set("sort", state.sort);
  if (state.order !== firstOrder(state.sort)) query.set("order", state.order);
  if (state.search !== "") query.set("search", state.search);
  const text = query.toString();
  return text ? `/?${text}` : "/";
}

function matches(row: CoinRow, search: string): boolean {
  const wanted = search.trim().toLowerCase();
  return [row.name, row.symbol, row.coin_id].some((name) => name.toLowerCase().includes(wanted));
}

/** Rows that match, in order; a missing number stands last in either order. */
export function arrangeRows(rows: readonly CoinRow[], state: MarketState): CoinRow[] {
  const sign = state.order === "asc" ? 1 : -1;
  return rows
    .filter((row) => matches(row, state.search))
    .sort((a, b) => {
      const left = a[state.sort];
      const right = b[state.sort];
      if (left === null || right === null) {
        return Number(left === null) - Number(right === null) || a.name.localeCompare(b.name);
      }
      if (typeof left === "string" || typeof right === "string") {
        return sign * String(left).localeCompare(String(right));
      }
      return sign * (left - right) || a.name.localeCompare(b.name);
    });
}
