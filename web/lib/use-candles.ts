"use client";
/** Candles of one market, live: the server's answer first, then only the last bars again. */
import { useState } from "react";
import { type CandleQuery, candlesPath } from "./api/paths";
import type { Answer, Candles } from "./api/types";
import { mergeCandles, tailFromMs } from "./chart/candle-series";
import { type Live, useLive } from "./live";

const BARS_EVERY_MS = 1_000;
/** The tail is asked for from further on when it has grown to this many bars. */
const LONG_TAIL = 120;

const TOO_MANY_BARS = 422;

export interface CandlesNow {
  candles: Candles | null;
  error: Live<Candles>["error"];
}

export function useCandles(
  query: CandleQuery,
  intervalMs: number,
  mostBars: number,
  initial: Answer<Candles>,
): CandlesNow {
  const [held, setHeld] = useState<Candles | null>(initial.ok ? initial.body : null);
  const [tail, setTail] = useState(() => ({
    fromMs: (held && tailFromMs(held, intervalMs)) ?? query.fromMs,
    initial,
  }));
  const path = candlesPath({ ...query, fromMs: tail.fromMs });
  const live = useLive(path, BARS_EVERY_MS, tail.initial);
  const [seen, setSeen] = useState<Candles | null>(live.answer);
  if (live.answer !== null && live.answer !== seen) {
    const merged = held ? mergeCandles(held, live.answer, mostBars) : live.answer;
    setSeen(live.answer);
    setHeld(merged);
    if (live.answer.data.length > LONG_TAIL) {
      const body = live.answer;
      setTail({
        fromMs: tailFromMs(merged, intervalMs),
        initial: { ok: true, body, atMs: live.receivedAtMs ?? 0 },
      });
    }
  }
  // After a long rest the tail may span more bars than the API gives: begin anew with its own choice.
  if (live.error?.status === TOO_MANY_BARS && tail.fromMs !== null) {
    setHeld(null);
    setTail({ fromMs: null, initial: { ok: false, problem: live.error, atMs: live.failingSinceMs ?? 0 } });
  }
  return { candles: held, error: live.error };
}
