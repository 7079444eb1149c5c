import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Answer, Problem } from "@/lib/api/types";
import { LiveFeed, type PageVisibility } from "@/lib/live-feed";

class FakePage implements PageVisibility {
  hidden = false;
  listener: (() => void) | null = null;
  isHidden = () => this.hidden;
  onChange = (listener: () => void) => {
    this.listener = listener;
    return () => {
      this.listener = null;
    };
  };
  turn(hidden: boolean): void {
    this.hidden = hidden;
    this.listener?.();
  }
}

const DOWN: Problem = { title: "Down", detail: "", status: 503, retryAfterS: null };
const good = (body: number): Answer<number> => ({ ok: true, body, atMs: Date.now() });
const bad = (problem: Problem = DOWN): Answer<number> => ({ ok: false, problem, atMs: Date.now() });

let page: FakePage;
let answers: Answer<number>[];
let get: ReturnType<typeof vi.fn<() => Promise<Answer<number>>>>;

function feedOf(initial: Answer<number> | null): LiveFeed<number> {
  return new LiveFeed({ get, everyMs: 1_000, initial, page });
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  page = new FakePage();
  answers = [];
  get = vi.fn(async () => answers.shift() ?? bad());
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a live feed", () => {
  test("begins with the server's answer and asks nothing before somebody listens", async () => {
    const feed = feedOf(good(1));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(feed.snapshot().answer).toBe(1);
    expect(get).not.toHaveBeenCalled();
  });

  test("that nobody asked for yet begins by asking", async () => {
    const feed = feedOf(null);
    expect(feed.snapshot()).toMatchObject({ answer: null, error: null });
    answers = [good(7)];
    feed.subscribe(() => undefined);
    await vi.advanceTimersByTimeAsync(0);
    expect(feed.snapshot().answer).toBe(7);
    expect(get).toHaveBeenCalledTimes(1);
  });

  test("asks every second and tells its listeners", async () => {
    const feed = feedOf(good(1));
    const heard = vi.fn();
    feed.subscribe(heard);
    answers = [good(2), good(3)];
    await vi.advanceTimersByTimeAsync(2_000);
    expect(feed.snapshot().answer).toBe(3);
    expect(heard).toHaveBeenCalledTimes(2);
  });

  test("keeps the last answer on an error and says since when it fails", async () => {
    const feed = feedOf(good(1));
    feed.subscribe(() => undefined);
    await vi.advanceTimersByTimeAsync(1_000);
    answers = [bad()];
    await vi.advanceTimersByTimeAsync(2_000);
    expect(feed.snapshot()).toMatchObject({ answer: 1, error: DOWN, failingSinceMs: 1_001_000 });
  });

  test("is lost when it has failed for five seconds, and found with the next good answer", async () => {
    const feed = feedOf(good(1));
    feed.subscribe(() => undefined);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(feed.snapshot().isLost).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(feed.snapshot().isLost).toBe(true);
    answers = [good(2)];
    await vi.advanceTimersByTimeAsync(1_000);
    expect(feed.snapshot()).toMatchObject({ answer: 2, isLost: false });
  });

  test("forgets the error with the next good answer", async () => {
    const feed = feedOf(bad());
    feed.subscribe(() => undefined);
    expect(feed.snapshot().failingSinceMs).toBe(1_000_000);
    answers = [good(7)];
    await vi.advanceTimersByTimeAsync(1_000);
    expect(feed.snapshot()).toMatchObject({ answer: 7, error: null, failingSinceMs: null });
  });

  test("waits as long as Retry-After asks, but not longer than ten seconds", async () => {
    const feed = feedOf(good(1));
    feed.subscribe(() => undefined);
    answers = [bad({ ...DOWN, retryAfterS: 4 }), bad({ ...DOWN, retryAfterS: 3_600 }), good(2)];
    await vi.advanceTimersByTimeAsync(1_000 + 3_999);
    expect(get).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(get).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(feed.snapshot().answer).toBe(2);
  });

  test("rests while the page is hidden and asks at once when it is seen again", async () => {
    const feed = feedOf(good(1));
    feed.subscribe(() => undefined);
    page.turn(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(get).not.toHaveBeenCalled();
    answers = [good(2)];
    page.turn(false);
    await vi.advanceTimersByTimeAsync(0);
    expect(feed.snapshot().answer).toBe(2);
  });

  test("never has two requests under way", async () => {
    let finish: (answer: Answer<number>) => void = () => undefined;
    get.mockImplementation(() => new Promise((done) => (finish = done)));
    const feed = feedOf(good(1));
    feed.subscribe(() => undefined);
    await vi.advanceTimersByTimeAsync(1_000);
    page.turn(true);
    page.turn(false);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(get).toHaveBeenCalledTimes(1);
    finish(good(2));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(get).toHaveBeenCalledTimes(2);
  });

  test("ends with its last listener", async () => {
    const feed = feedOf(good(1));
    const leave = feed.subscribe(() => undefined);
    leave();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(get).not.toHaveBeenCalled();
    expect(page.listener).toBeNull();
  });
});
