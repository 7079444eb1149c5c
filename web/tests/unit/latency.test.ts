import { expect, test } from "vitest";
import type { Stage } from "@/lib/api/types";
import { latencyBar } from "@/lib/latency";

function stage(facts: Partial<Stage> = {}): Stage {
  return {
    stage: "whole",
    p50_ms: 500,
    p95_ms: 800,
    p99_ms: 1_000,
    n: 60,
    window_s: 60,
    observed_at: "2023-03-11T14:02:11.000Z",
    age_s: 2,
    ...facts,
  };
}

test("a bar is in percent of the longest stage", () => {
  expect(latencyBar(stage(), 2_000)).toEqual({ p50: 25, p95: 40, p99: 50 });
});

test("what took next to nothing can still be seen, and nothing leaves the picture", () => {
  expect(latencyBar(stage({ p50_ms: 0 }), 1_000)?.p50).toBe(0.5);
  expect(latencyBar(stage({ p99_ms: 5_000 }), 1_000)?.p99).toBe(100);
});

test("a stage in which nothing was timed has no bar", () => {
  expect(latencyBar(stage({ p50_ms: null, p95_ms: null, p99_ms: null }), 1_000)).toBeNull();
});
