"use client";
/** A series that grows at its end, live: all of it first, then only its last rows again. */
import { useState } from "react";
import type { Path } from "./api/paths";
import type { Answer } from "./api/types";
import { type Live, useLive } from "./live";

/** The tail is asked for from further on when it has grown to this many rows. */
const LONG_TAIL = 120;

const TOO_MANY_ROWS = 422;

export interface Tail<Series> {
  /** Where the series begins, milliseconds UTC; null leaves the choice to the API. */
  fromMs: number | null;
  /** Null: nobody has asked yet. */
  initial: Answer<Series> | null;
  everyMs: number;
  /** Null: nothing is asked. */
  pathFrom: (fromMs: number | null) => Path<Series> | null;
  /** Where to ask on from. */
  tailFromMs: (held: Series) => number | null;
  merge: (held: Series, newer: Series) => Series;
}

export interface SeriesNow<Series> {
  held: Series | null;
  error: Live<Series>["error"];
}

export function useTail<Series extends { data: readonly unknown[] }>({
  fromMs,
  initial,
  everyMs,
  pathFrom,
  tailFromMs,
  merge,
}: Tail<Series>): SeriesNow<Series> {
  const [held, setHeld] = useState<Series | null>(initial?.ok ? initial.body : null);
  const [tail, setTail] = useState(() => ({ fromMs: (held && tailFromMs(held)) ?? fromMs, initial }));
  const live = useLive(pathFrom(tail.fromMs), everyMs, tail.initial);
  const [seen, setSeen] = useState<Series | null>(live.answer);
  if (live.answer !== null && live.answer !== seen) {
    const merged = held ? merge(held, live.answer) : live.answer;
    setSeen(live.answer);
    setHeld(merged);
    if (live.answer.data.length > LONG_TAIL) {
      const body = live.answer;
      setTail({ fromMs: tailFromMs(merged), initial: { ok: true, body, atMs: live.receivedAtMs ?? 0 } });
    }
  }
  // After a long rest the tail may span more rows than the API gives: begin anew with its own choice.
  if (live.error?.status === TOO_MANY_ROWS && tail.fromMs !== null) {
    setHeld(null);
    setTail({ fromMs: null, initial: { ok: false, problem: live.error, atMs: live.failingSinceMs ?? 0 } });
  }
  return { held, error: live.error };
}
