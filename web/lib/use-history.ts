"use client";
/** Snapshots of a coin, live; the range moves on with the platform's time. */
import { useState } from "react";
import { type HistoryQuery, historyPath } from "./api/paths";
import type { Answer, History } from "./api/types";
import { toMs } from "./format";
import { type Live, useLive } from "./live";

const POINTS_EVERY_MS = 5_000;

const TOO_MANY_POINTS = 422;

export function useHistory(query: HistoryQuery, rangeMs: number, initial: Answer<History>): Live<History> {
  const [asked, setAsked] = useState({ fromMs: query.fromMs, initial });
  const live = useLive(historyPath({ ...query, fromMs: asked.fromMs }), POINTS_EVERY_MS, asked.initial);
  const points = live.answer?.data;
  const beginsMs = asked.fromMs ?? toMs(points?.[0]?.time);
  const endsMs = toMs(points?.at(-1)?.time);
  // A replay may run through a day in minutes: what is asked for must not grow without end.
  if (live.answer && beginsMs !== null && endsMs !== null && endsMs - beginsMs > 2 * rangeMs) {
    setAsked({ fromMs: endsMs - rangeMs, initial: { ok: true, body: live.answer, atMs: live.receivedAtMs ?? 0 } });
  }
  if (live.error?.status === TOO_MANY_POINTS && asked.fromMs !== null) {
    setAsked({ fromMs: null, initial: { ok: false, problem: live.error, atMs: live.failingSinceMs ?? 0 } });
  }
  return live;
}
