import { describe, expect, test } from "vitest";
import {
  chartUrl,
  HISTORY_INTERVAL,
  HISTORY_RANGES,
  historyUrl,
  INTERVAL_MS,
  INTERVALS,
  parseChartState,
  parseHistoryRange,
  RANGE_MS,
  RANGES,
  whyNot,
  withInterval,
} from "@/app/coins/[coin_id]/chart-state";
import { arrangeRows, marketUrl, parseMarketState } from "@/app/market-state";
import { coinRow } from "./builders";

describe("the market table's address", () => {
  test("is short for the usual state and comes back as it was", () => {
    expect(marketUrl(parseMarketState(new URLSearchParams()))).toBe("/");
    const state = { sort: "change_7d_pct", order: "asc", search: "a b&c" } as const;
    const url = marketUrl(state);
    expect(parseMarketState(new URLSearchParams(url.slice(2)))).toEqual(state);
  });

  test("falls back where it is nonsense", () => {
    const state = parseMarketState(new URLSearchParams("sort=__proto__&order=sideways"));
    expect(state).toEqual({ sort: "market_cap_rank", order: "asc", search: "" });
  });
});

describe("rows", () => {
  const rows = [
    coinRow({ coin_id: "b", name: "Beta", symbol: "BET", price_usd: 2 }),
    coinRow({ coin_id: "n", name: "Nil", symbol: "NIL", price_usd: null }),
    coinRow({ coin_id: "a", name: "Alpha", symbol: "ALF", price_usd: 1 }),
  ];
  const names = (query: string) =>
    arrangeRows(rows, parseMarketState(new URLSearchParams(query))).map(({ name }) => name);

  test("stand in order with the missing number last either way", () => {
    expect(names("sort=price_usd&order=asc")).toEqual(["Alpha", "Beta", "Nil"]);
    expect(names("sort=price_usd&order=desc")).toEqual(["Beta", "Alpha", "Nil"]);
    expect(names("sort=name&order=desc")).toEqual(["Nil", "Beta", "Alpha"]);
  });

  test("are found by name, ticker and id in any case", () => {
    expect(names("search=ALP")).toEqual(["Alpha"]);
    expect(names("search=bet")).toEqual(["Beta"]);
    expect(names("search=zzz")).toEqual([]);
  });

  test("stay in place when equal", () => {
    expect(names("")).toEqual(["Alpha", "Beta", "Nil"]);
  });
});

describe("the chart's address", () => {
  test("comes back as it was", () => {
    const state = { market: "BTCUSDC", interval: "5m", range: "7d", indicators: ["sma_20", "rsi"] } as const;
    const url = chartUrl("bitcoin", state);
    expect(url).toBe("/coins/bitcoin?market=BTCUSDC&interval=5m&range=7d&indicators=sma_20+rsi");
    expect(parseChartState(new URLSearchParams(url.split("?")[1]))).toEqual(state);
    expect(chartUrl("bitcoin", parseChartState(new URLSearchParams()))).toBe("/coins/bitcoin");
  });

  test("keeps of nonsense what can be meant, and is then its own shortest form", () => {
    const state = parseChartState(new URLSearchParams("interval=2m&range=forever&indicators=rsi,__proto__ sma_20  rsi sma_21"));
    expect(state).toEqual({ market: null, interval: "1m", range: "6h", indicators: ["sma_20", "rsi"] });
    const url = chartUrl("bitcoin", state);
    expect(url).toBe("/coins/bitcoin?indicators=sma_20+rsi");
    expect(chartUrl("bitcoin", parseChartState(new URLSearchParams(url.split("?")[1])))).toBe(url);
  });

  test("of a price line has a range and no interval", () => {
    expect(historyUrl("tether", parseHistoryRange(new URLSearchParams()))).toBe("/coins/tether");
    expect(parseHistoryRange(new URLSearchParams(historyUrl("tether", "1y").split("?")[1]))).toBe("1y");
    for (const range of HISTORY_RANGES) {
      expect(RANGE_MS[range] / INTERVAL_MS[HISTORY_INTERVAL[range]], range).toBeGreaterThanOrEqual(12);
    }
  });

  test("never asks for more bars than the API gives", () => {
    expect(whyNot("1m", "7d")).toMatch(/10,000/);
    expect(whyNot("1h", "1y")).toBeNull();
    expect(whyNot("1d", "1h")).toMatch(/Fewer/);
    expect(whyNot("1s", "6h")).toMatch(/10,000/);
    expect(parseChartState(new URLSearchParams("interval=1s")).range).toBe("15m");
    expect(parseChartState(new URLSearchParams("interval=1m&range=1y")).range).toBe("6h");
    for (const interval of INTERVALS) {
      for (const range of RANGES) {
        const chosen = withInterval({ market: null, interval: "1m", range, indicators: [] }, interval);
        expect(whyNot(chosen.interval, chosen.range)).toBeNull();
      }
    }
  });
});
