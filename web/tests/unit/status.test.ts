import { describe, expect, test } from "vitest";
import { PlatformClock } from "@/lib/platform-clock";
import { freshness, troubles } from "@/lib/status";
import { health, part } from "./builders";

const SINCE_MS = Date.parse("2023-03-11T14:02:11.000Z");
const FAILED = { title: "The API does not answer", detail: "", status: 503, retryAfterS: null };

describe("the badge", () => {
  test("is LIVE by the freshest data", () => {
    expect(freshness(health([part("prices", { age_s: 80 }), part("trades", { age_s: 1 })]))).toEqual({ word: "LIVE" });
  });

  test("says how late the data is", () => {
    expect(freshness(health([part("prices", { age_s: 80.4 }), part("trades", { is_up: false, age_s: 1 })]))).toEqual({
      word: "DELAYED",
      seconds: 80,
    });
  });

  test("allows a replay to lag by its speed", () => {
    const parts = [part("trades", { age_s: 300 })];
    expect(freshness(health(parts, { is_replay: true, speed: 60 })).word).toBe("LIVE");
    expect(freshness(health(parts)).word).toBe("DELAYED");
  });

  test("is STALE without fresh data, without an answer and before any", () => {
    expect(freshness(health([part("trades", { is_up: false })])).word).toBe("STALE");
    expect(freshness({ ...health([part("trades")]), error: FAILED }).word).toBe("STALE");
    expect(freshness({ answer: null, receivedAtMs: null, error: null, failingSinceMs: null }).word).toBe("STALE");
  });
});

describe("the strip", () => {
  test("is empty when all is well", () => {
    expect(troubles(health([part("kafka"), part("trades")]), new Map(), "UTC")).toEqual([]);
  });

  test("names a part that is down and since when", () => {
    const [found] = troubles(health([part("influxdb", { is_up: false })]), new Map([["influxdb", SINCE_MS]]), "UTC");
    expect(found?.sentence).toBe("InfluxDB does not answer since 14:02:11; the last prices are shown.");
  });

  test("does not blame the data when the store is down", () => {
    const parts = [part("influxdb", { is_up: false }), part("trades", { is_up: false, observed_at: null, age_s: null })];
    expect(troubles(health(parts), new Map(), "UTC").map(({ key }) => key)).toEqual(["influxdb"]);
  });

  test("says how old the last trades are", () => {
    const parts = [part("trades", { is_up: false, age_s: 240 })];
    expect(troubles(health(parts), new Map(), "UTC")[0]?.sentence).toBe(
      "No new trades: the last are 4 min old, of 2023-03-11 14:02:09.",
    );
  });

  test("says that the API fails, since when, and what still works", () => {
    const live = { ...health([part("trades")]), error: FAILED, failingSinceMs: SINCE_MS };
    expect(troubles(live, new Map(), "UTC")[0]?.sentence).toBe(
      "The API does not answer since 14:02:11. The last numbers are shown. ./cryptoviz status says what runs.",
    );
  });
});

describe("the platform's clock", () => {
  test("runs on at its speed between two answers", () => {
    const clock = new PlatformClock(1_000_000, 60, 0);
    clock.tick(2_000);
    expect(clock.now()).toBe(1_120_000);
  });

  test("stands still when no answer comes any more", () => {
    const clock = new PlatformClock(0, 1, 0);
    clock.tick(60_000);
    expect(clock.now()).toBe(12_000);
  });

  test("follows a new answer, back as well as forth", () => {
    const clock = new PlatformClock(1_000_000, 60, 0);
    clock.tick(5_000);
    clock.anchor(1_100_000, 60, 5_000);
    expect(clock.now()).toBe(1_100_000);
  });
});
