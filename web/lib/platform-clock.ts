/**
 * The platform's clock as the page knows it: the scenario's time in a demo, else real time.
 * Anchored by each /health, it runs on by itself at the clock's speed and ticks once a second.
 */

/** A replay without a new anchor for this long is away, and its clock stands still; real time goes on. */
const ANCHOR_HOLDS_MS = 12_000;

/** What /health says about the clock. */
export interface Anchor {
  nowMs: number;
  speed: number;
  isReplay: boolean;
}

export class PlatformClock {
  #anchor: Anchor;
  #anchoredAtMs: number;
  #nowMs: number;
  readonly #listeners = new Set<() => void>();

  /** The anchor's moment was at `wallMs` of this computer. */
  constructor(anchor: Anchor, wallMs: number) {
    this.#anchor = anchor;
    this.#anchoredAtMs = wallMs;
    this.#nowMs = anchor.nowMs;
  }

  /** Platform time of the last tick; stands still between ticks, so that a render is consistent. */
  now = (): number => this.#nowMs;

  anchor(anchor: Anchor, wallMs: number): void {
    this.#anchor = anchor;
    this.#anchoredAtMs = wallMs;
    this.tick(wallMs);
  }

  tick(wallMs: number): void {
    const { nowMs, speed, isReplay } = this.#anchor;
    const passedMs = Math.max(wallMs - this.#anchoredAtMs, 0);
    this.#nowMs = nowMs + (isReplay ? Math.min(passedMs, ANCHOR_HOLDS_MS) : passedMs) * speed;
    for (const listener of this.#listeners) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}
