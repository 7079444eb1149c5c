/** Episodes and evidence for the fake API; a whale, a divergence that lasts, a move, a silent source. */
import type { AnomalyDetail } from "@/lib/api/types";
import { anomaly } from "../unit/builders";

const MINUTE_MS = 60_000;

function at(nowMs: number, minutesAgo: number): string {
  return new Date(nowMs - minutesAgo * MINUTE_MS).toISOString();
}

function bars(nowMs: number, factor: (minutesAgo: number) => number): AnomalyDetail["evidence"]["markets"][number]["bars"] {
  return Array.from({ length: 60 }, (_, place) => {
    const minutesAgo = 59 - place;
    const close = 20_000 * factor(minutesAgo) * (1 + Math.sin(place / 4) * 0.0007);
    return { open_time: at(nowMs, minutesAgo), open: close, high: close, low: close, close, quote_volume: 1e5, trades: 80 };
  });
}

export function fakeAnomalies(nowMs: number): AnomalyDetail[] {
  const market = (symbol: string, quote: string, factor: (minutesAgo: number) => number) => ({
    source: "binance", symbol, coin_id: "bitcoin", quote, interval: "1m" as const, bars: bars(nowMs, factor),
  });
  const evidence = {
    from: at(nowMs, 60),
    to: at(nowMs, 0),
    markets: [
      market("BTCUSDC", "USDC", (ago) => 1 + 0.04 / (1 + Math.exp((ago - 18) / 2))),
      market("BTCUSDT", "USDT", () => 1),
    ],
    snapshots: [],
  };
  return [
    anomaly({
      anomaly_id: "d1", kind: "divergence", phase: "peaked", severity: "high", coin_id: "bitcoin", symbol: "BTCUSDC",
      quote: "USDC", other_source: "binance", other_symbol: "BTCUSDT", started_at: at(nowMs, 19),
      detected_at: at(nowMs, 18), peaked_at: at(nowMs, 4), observed_at: at(nowMs, 4), resolved_at: null,
      sources: ["binance/BTCUSDC", "binance/BTCUSDT"],
      peak_value: 4.02, value: 3.98, expected: 0, threshold: 1, window_s: 60, evidence,
      sentence: "BTCUSDC on binance is 4.02 % above BTCUSDT on binance: 20,804 USDC against 20,000 USDT.",
    }),
    anomaly({
      anomaly_id: "d2", kind: "whale", severity: "critical", coin_id: "ethereum", symbol: "ETHUSDT", unit: "USDT",
      started_at: at(nowMs, 31), resolved_at: at(nowMs, 31), peak_value: 2_445_381, value: 2_445_381, threshold: 500_000,
      sentence: "One buyer took 1,488.9 ETH for 2.45 M USDT on binance ETHUSDT, 40 times the 99.9th percentile.",
      evidence: { ...evidence, markets: evidence.markets.slice(1) },
    }),
    anomaly({ anomaly_id: "d3", started_at: at(nowMs, 44), resolved_at: at(nowMs, 40) }),
    anomaly({
      anomaly_id: "d4", kind: "silence", severity: "low", coin_id: null, symbol: null, quote: null, source: "coingecko",
      unit: "s", peak_value: 540, value: 540, started_at: at(nowMs, 50), resolved_at: at(nowMs, 41),
      sentence: "CoinGecko was silent for 540 s; a snapshot is due every 60 s.", trade_ids: [],
    }),
  ];
}
