/**
 * Keeps one answer of the API fresh by polling, without React. Never two requests at once; rests
 * while the page is hidden; keeps the last answer when the API fails, and says since when it does.
 */
import type { Answer, Problem } from "./api/types";

export interface Live<T> {
  /** The last good answer; null when there has been none. */
  answer: T | null;
  /** Real time at which `answer` arrived. */
  receivedAtMs: number | null;
  /** Why the newest request failed; null when it did not. */
  error: Problem | null;
  /** Real time of the first failure in a row. */
  failingSinceMs: number | null;
  /** It fails so long that `answer` cannot be called new any more. */
  isLost: boolean;
}

/** The page, as far as a feed needs it. */
export interface PageVisibility {
  isHidden(): boolean;
  onChange(listener: () => void): () => void;
}

export interface LiveFeedOptions<T> {
  get: () => Promise<Answer<T>>;
  everyMs: number;
  /** Null: nobody has asked yet, so the feed begins by asking. */
  initial: Answer<T> | null;
  page: PageVisibility;
}

/** A Retry-After is honoured, but a person looking at the page is not kept longer than this. */
const LONGEST_WAIT_MS = 10_000;

/** A restart of the API passes unseen; after this the numbers that it gave are old. */
const LOST_AFTER_MS = 5_000;

export function nothingYet<T>(): Live<T> {
  return { answer: null, receivedAtMs: null, error: null, failingSinceMs: null, isLost: false };
}

export class LiveFeed<T> {
  readonly #options: LiveFeedOptions<T>;
  readonly #listeners = new Set<() => void>();
  #state: Live<T>;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #stopWatching: (() => void) | null = null;
  #isAsking = false;

  constructor(options: LiveFeedOptions<T>) {
    this.#options = options;
    this.#state = options.initial ? nextState(nothingYet(), options.initial) : nothingYet();
  }

  snapshot = (): Live<T> => this.#state;

  /** The first listener starts the polling, the last one to go ends it. */
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stop();
    };
  };

  #start(): void {
    this.#stopWatching = this.#options.page.onChange(() => {
      this.#clear();
      if (!this.#options.page.isHidden()) void this.#ask();
    });
    this.#plan(this.#options.initial ? this.#options.everyMs : 0);
  }

  #stop(): void {
    this.#stopWatching?.();
    this.#stopWatching = null;
    this.#clear();
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #plan(waitMs: number): void {
    this.#clear();
    if (this.#listeners.size === 0 || this.#options.page.isHidden()) return;
    this.#timer = setTimeout(() => void this.#ask(), waitMs);
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const answer = await this.#options.get();
    this.#isAsking = false;
    if (this.#listeners.size === 0) return;
    this.#state = nextState(this.#state, answer);
    for (const listener of this.#listeners) listener();
    this.#plan(waitAfter(answer, this.#options.everyMs));
  }
}

function nextState<T>(before: Live<T>, answer: Answer<T>): Live<T> {
  if (answer.ok) {
    return { ...nothingYet(), answer: answer.body, receivedAtMs: answer.atMs };
  }
  const failingSinceMs = before.failingSinceMs ?? answer.atMs;
  return { ...before, error: answer.problem, failingSinceMs, isLost: answer.atMs - failingSinceMs >= LOST_AFTER_MS };
}

function waitAfter<T>(answer: Answer<T>, everyMs: number): number {
  if (answer.ok || answer.problem.retryAfterS === null) return everyMs;
  const askedMs = Math.min(answer.problem.retryAfterS * 1000, LONGEST_WAIT_MS);
  return Math.max(everyMs, askedMs);
}
