/**
 * The platform's clock as the page knows it: the scenario's time in a demo, else real time.
 * Anchored by each /health, it runs on by itself at the clock's speed and ticks once a second.
 */

/** Without a new anchor for this long the platform is away, and its clock stands still here. */
const ANCHOR_HOLDS_MS = 12_000;

export class PlatformClock {
  #anchorMs: number;
  #speed: number;
  #anchoredAtMs: number;
  #nowMs: number;
  readonly #listeners = new Set<() => void>();

  /** All in milliseconds: `anchorMs` of the platform was at `wallMs` of this computer. */
  constructor(anchorMs: number, speed: number, wallMs: number) {
    this.#anchorMs = anchorMs;
    this.#speed = speed;
    this.#anchoredAtMs = wallMs;
    this.#nowMs = anchorMs;
  }

  /** Platform time of the last tick; stands still between ticks, so that a render is consistent. */
  now = (): number => this.#nowMs;

  anchor(anchorMs: number, speed: number, wallMs: number): void {
    this.#anchorMs = anchorMs;
    this.#speed = speed;
    this.#anchoredAtMs = wallMs;
    this.tick(wallMs);
  }

  tick(wallMs: number): void {
    const passedMs = Math.min(Math.max(wallMs - this.#anchoredAtMs, 0), ANCHOR_HOLDS_MS);
    this.#nowMs = this.#anchorMs + passedMs * this.#speed;
    for (const listener of this.#listeners) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}
