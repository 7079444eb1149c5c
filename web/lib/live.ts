"use client";
import { useMemo, useSyncExternalStore } from "react";
import { getInBrowser } from "./api/get";
import type { Path } from "./api/paths";
import type { Answer } from "./api/types";
import { type Live, LiveFeed, nothingYet, type PageVisibility } from "./live-feed";

export type { Live } from "./live-feed";

const PAGE: PageVisibility = {
  isHidden: () => document.hidden,
  onChange: (listener) => {
    document.addEventListener("visibilitychange", listener);
    return () => document.removeEventListener("visibilitychange", listener);
  },
};

const NOTHING = nothingYet<never>();
const nothing = (): Live<never> => NOTHING;
const neverChanges = () => () => undefined;

/**
 * The newest answer of `path`, asked for again every `everyMs`; `initial` is the server's, null
 * where it did not ask. Nothing is asked while `path` is null.
 */
export function useLive<T>(path: Path<T> | null, everyMs: number, initial: Answer<T> | null): Live<T> {
  const feed = useMemo(
    () => (path === null ? null : new LiveFeed<T>({ get: () => getInBrowser(path), everyMs, initial, page: PAGE })),
    [path, everyMs, initial],
  );
  const snapshot = feed?.snapshot ?? nothing;
  return useSyncExternalStore(feed?.subscribe ?? neverChanges, snapshot, snapshot);
}
