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
    expect(freshness({ answer: null, receivedAtMs: null, error: null, failingSinceMs: null, isLost: false }).word).toBe("STALE");
  });
});

describe("the strip", () => {
  test("is empty when all is well", () => {
    expect(troubles(health([part("kafka"), part("trades")]), new Map(), "UTC")).toEqual([]);
  });

  test("names a part that is down and since when", () => {
    const [found] = troubles(health([part("influxdb", { is_up: false })]), new Map([["influxdb", SINCE_MS]]), "UTC");
    expect(found?.sentence).toBe("InfluxDB does not answer since 14:02:11; numbers on the page stay as they were.");
  });

  test("does not blame the data when the store is down", () => {
    const parts = [part("influxdb", { is_up: false }), part("trades", { is_up: false, observed_at: null, age_s: null })];
    expect(troubles(health(parts), new Map(), "UTC").map(({ key }) => key)).toEqual(["influxdb"]);
  });

  test("says when trades and snapshots stopped, and what is old without them", () => {
    const parts = [part("trades", { is_up: false }), part("prices", { is_up: false, observed_at: null, age_s: null })];
    expect(troubles(health(parts), new Map(), "UTC").map(({ sentence }) => sentence)).toEqual([
      "Trades stopped at 2023-03-11 14:02:09; bars and traded prices are as of then.",
      "Price snapshots: none have arrived yet.",
    ]);
  });

  test("tells real time from a replay's", () => {
    const live = health([part("kafka", { is_up: false })], { is_replay: true });
    expect(troubles(live, new Map([["kafka", SINCE_MS]]), "UTC")[0]?.sentence).toBe(
      "Kafka does not answer since 14:02:11 of real time; no new numbers arrive, stored ones are shown.",
    );
  });

  test("says that the API fails, since when, and what still works", () => {
    const live = { ...health([part("trades")]), error: FAILED, failingSinceMs: SINCE_MS };
    expect(troubles(live, new Map(), "UTC")[0]?.sentence).toBe(
      "The API does not answer since 14:02:11; numbers on the page stay as they were.",
    );
  });
});

describe("the platform's clock", () => {
  const replay = (nowMs: number) => ({ nowMs, speed: 60, isReplay: true });

  test("runs on at its speed between two answers", () => {
    const clock = new PlatformClock(replay(1_000_000), 0);
    clock.tick(2_000);
    expect(clock.now()).toBe(1_120_000);
  });

  test("of a replay stands still when no answer comes any more", () => {
    const clock = new PlatformClock(replay(0), 0);
    clock.tick(60_000);
    expect(clock.now()).toBe(720_000);
  });

  test("of a live platform runs on without answers, so that ages stay true", () => {
    const clock = new PlatformClock({ nowMs: 0, speed: 1, isReplay: false }, 0);
    clock.tick(60_000);
    expect(clock.now()).toBe(60_000);
  });

  test("follows a new answer, back as well as forth", () => {
    const clock = new PlatformClock(replay(1_000_000), 0);
    clock.tick(5_000);
    clock.anchor(replay(1_100_000), 5_000);
    expect(clock.now()).toBe(1_100_000);
  });
});
