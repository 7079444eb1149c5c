/** The bar of a stage of latency, in percent of the longest. */
import type { Stage } from "./api/types";

export interface LatencyBar {
  p50: number;
  p95: number;
  p99: number;
}

/** Null where nothing was timed. What was is never too short to be seen. */
export function latencyBar(stage: Stage, longestMs: number): LatencyBar | null {
  const { p50_ms, p95_ms, p99_ms } = stage;
  if (p50_ms === null || p95_ms === null || p99_ms === null) return null;
  const share = (ms: number): number => Math.min(100, Math.max(0.5, (100 * ms) / longestMs));
  return { p50: share(p50_ms), p95: share(p95_ms), p99: share(p99_ms) };
}
