/** Records that are valid as they stand; a test overrides the fact that it is about. */
import type { Analytics, AnomalyDetail, Candle, Candles, CoinRow, Envelope, Gap, Health, PartHealth } from "@/lib/api/types";
import type { Live } from "@/lib/live-feed";

export function coinRow(facts: Partial<CoinRow> = {}): CoinRow {
  return {
    coin_id: "bitcoin",
    symbol: "BTC",
    name: "Bitcoin",
    market_cap_rank: 1,
    price_usd: 27_345.12,
    price_source: "binance",
    price_market: "BTCUSDT",
    price_observed_at: "2023-03-11T14:02:10.000Z",
    price_is_stale: false,
    market_cap_usd: 5.3e11,
    volume_24h_usd: 1.1e10,
    high_24h_usd: 28_000,
    low_24h_usd: 26_000,
    change_1h_pct: 0.1,
    change_24h_pct: -0.2,
    change_7d_pct: 0.3,
    circulating_supply: 19_500_000,
    source: "coingecko",
    observed_at: "2023-03-11T14:01:49.000Z",
    collected_at: "2023-03-11T14:01:50.000Z",
    is_stale: false,
    ...facts,
  };
}

/** A bar that opens so many minutes after 12:00. */
export function candle(minute: number, facts: Partial<Candle> = {}): Candle {
  return {
    open_time: new Date(Date.parse("2023-03-11T12:00:00.000Z") + minute * 60_000).toISOString(),
    open: 100,
    high: 102,
    low: 99,
    close: 101,
    volume: 5,
    quote_volume: 505,
    trades: 12,
    vwap: 101,
    buy_volume: 3,
    sell_volume: 2,
    first_trade_id: 1,
    last_trade_id: 12,
    coverage: 1,
    is_partial: false,
    is_final: true,
    layer: "speed",
    ...facts,
  };
}

/** The indicators at the close of that bar: all undefined. */
export function analytics(minute: number, facts: Partial<Analytics> = {}): Analytics {
  return {
    open_time: candle(minute).open_time,
    close: 101,
    sma_5: null,
    sma_10: null,
    sma_20: null,
    sma_50: null,
    ema_5: null,
    ema_10: null,
    ema_20: null,
    ema_50: null,
    bollinger_upper_20: null,
    bollinger_lower_20: null,
    rsi_14: null,
    macd: null,
    macd_signal: null,
    macd_histogram: null,
    atr_14: null,
    realised_volatility_20_pct: null,
    momentum_10_pct: null,
    volume_ratio_20: null,
    buy_sell_ratio: null,
    bars: 2_000,
    layer: "speed",
    ...facts,
  };
}

export function candles(data: Candle[], gaps: Gap[] = []): Candles {
  return {
    data,
    meta: {
      as_of: null,
      is_stale: false,
      source: "binance",
      segments: [],
      next: null,
      symbol: "BTCUSDT",
      interval: "1m",
      quote: "USDT",
      final_through: null,
      gaps,
    },
  };
}

export function part(name: string, facts: Partial<PartHealth> = {}): PartHealth {
  return { name, is_up: true, detail: "", observed_at: "2023-03-11T14:02:09.000Z", age_s: 2, ...facts };
}

export function health(parts: PartHealth[], clock: Partial<Health["clock"]> = {}): Live<Envelope<Health>> {
  const data: Health = {
    status: "ok",
    is_live: true,
    is_ready: true,
    parts,
    clock: { now: "2023-03-11T14:02:11.000Z", speed: 1, is_replay: false, scenario: null, ...clock },
    version: "0.1.0",
  };
  const meta = { as_of: null, is_stale: false, source: null, segments: [], next: null };
  return { answer: { data, meta }, receivedAtMs: 0, error: null, failingSinceMs: null, isLost: false };
}

/** A price move that has ended. */
export function anomaly(facts: Partial<AnomalyDetail> = {}): AnomalyDetail {
  return {
    anomaly_id: "5f2a0c9be17d4c31a8b0d6e2",
    revision: 2,
    phase: "resolved",
    kind: "price_move",
    severity: "medium",
    coin_id: "solana",
    source: "binance",
    symbol: "SOLUSDT",
    quote: "USDT",
    other_source: null,
    other_symbol: null,
    other_coin_id: null,
    started_at: "2023-03-11T12:10:00.000Z",
    detected_at: "2023-03-11T12:10:32.000Z",
    peaked_at: "2023-03-11T12:10:51.000Z",
    resolved_at: "2023-03-11T12:14:00.000Z",
    observed_at: "2023-03-11T12:14:00.000Z",
    value: 1.2,
    peak_value: 7.31,
    expected: null,
    score: null,
    threshold: 5,
    unit: "pct",
    n: 84,
    window_s: 60,
    sentence: "SOLUSDT on binance rose 7.31 % within 60 s, from 20.41 to 21.90 USDT.",
    sources: ["binance/SOLUSDT"],
    trade_ids: ["9007199254740993"],
    coordinates: ["crypto-trades/1/48211"],
    evidence: { from: "2023-03-11T12:00:00.000Z", to: "2023-03-11T12:30:00.000Z", markets: [], snapshots: [] },
    ...facts,
  };
}
