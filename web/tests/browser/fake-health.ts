/** What the fake platform says of itself: one job that waits, one source that is silent, two gaps. */
import type { Job, Pipeline, QualityRow, RecordedGap, SourceHealth, Stage } from "@/lib/api/types";

function at(nowMs: number, secondsAgo: number): string {
  return new Date(nowMs - secondsAgo * 1_000).toISOString();
}

export function fakePipeline(nowMs: number): Pipeline {
  const seen = { observed_at: at(nowMs, 4), age_s: 4, window_s: 60 };
  const job = (name: string, facts: Partial<Job> = {}): Job => ({
    job: name, state: "running", records_per_s: 1_998.4, lag_records: 820, batches: 96, batch_p50_ms: 312,
    batch_p95_ms: 486, batch_longest_ms: 803, last_batch_at: at(nowMs, 5), watermark_delay_s: 30.6, restarts: 0, ...seen, ...facts,
  });
  const stage = (name: string, p50_ms: number, p95_ms: number, p99_ms: number): Stage =>
    ({ stage: name, p50_ms, p95_ms, p99_ms, n: 3_748, ...seen });
  const idle = { batches: 0, batch_p50_ms: null, batch_p95_ms: null, batch_longest_ms: null, watermark_delay_s: null };
  return {
    jobs: [job("candles"), job("archive", { state: "waiting", restarts: 3, lag_records: null, ...idle })],
    latency: [
      stage("agent", 12, 40, 92), stage("kafka", 6, 14, 31), stage("spark", 250, 520, 700), stage("store", 420, 560, 840),
      stage("whole", 676, 1_157, 1_527),
    ],
    dead_letters: [{ topic: "crypto-trades", reason: "impossible_value", letters_1h: 3 }],
  };
}

export function fakeSources(nowMs: number): SourceHealth[] {
  const source = (name: string, facts: Partial<SourceHealth> = {}): SourceHealth => ({
    source: name, state: "running", reason: null, is_heard: true, breaker: "closed", last_event_at: at(nowMs, 2),
    last_success_at: at(nowMs, 2), lag_ms: 40, minute_calls_left: null, month_calls_left: null, month_calls_projected: null,
    accepted: 128_400, duplicate: 12, rejected: 0, passed_over: 0, torn_fills: 0, open_gaps: 0, repaired_trades: 0,
    silent_symbols: [], observed_at: at(nowMs, 7), age_s: 7, ...facts,
  });
  return [
    source("binance_trades", { state: "degraded", reason: "1 gaps are open", open_gaps: 1 }),
    source("coingecko", { month_calls_left: 8_212 }),
    source("rss", { is_heard: false, observed_at: at(nowMs, 600), age_s: 600, breaker: "half_open" }),
  ];
}

export function fakeGaps(nowMs: number): RecordedGap[] {
  const gap = (from_id: number, facts: Partial<RecordedGap>): RecordedGap => ({
    source: "binance", symbol: "BTCUSDC", coin_id: "bitcoin", from_id, to_id: from_id + 99, from: at(nowMs, 900),
    to: at(nowMs, 880), cause: "reconnect", state: "open", missing_trades: 60, repaired_trades: 40, observed_at: at(nowMs, 30),
    age_s: 30, ...facts,
  });
  return [gap(501, {}), gap(101, { state: "repaired", missing_trades: 0, repaired_trades: 100, from: at(nowMs, 4_000) })];
}

export function fakeQuality(nowMs: number): QualityRow[] {
  const row = (facts: Partial<QualityRow>): QualityRow => ({
    kind: "market", coin_id: "bitcoin", source: "binance", symbol: "BTCUSDC", score: 100, reason: null, freshness: 100,
    coverage: 100, agreement: 100, source_health: 100, repairs: 100, through: at(nowMs, 130), age_s: 130, is_stale: false, ...facts,
  });
  return [
    row({ score: 61.4, agreement: 12, reason: "it is 1.82 % away from the median of 2 other quotes" }),
    row({ symbol: null, kind: "snapshot", source: "coingecko", coverage: null, repairs: null }),
  ];
}
