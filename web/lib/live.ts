"use client";
import { useMemo, useSyncExternalStore } from "react";
import { getInBrowser } from "./api/get";
import type { Path } from "./api/paths";
import type { Answer } from "./api/types";
import { type Live, LiveFeed, type PageVisibility } from "./live-feed";

export type { Live } from "./live-feed";

const PAGE: PageVisibility = {
  isHidden: () => document.hidden,
  onChange: (listener) => {
    document.addEventListener("visibilitychange", listener);
    return () => document.removeEventListener("visibilitychange", listener);
  },
};

/** The newest answer of `path`, asked for again every `everyMs`; `initial` is the server's. */
export function useLive<T>(path: Path<T>, everyMs: number, initial: Answer<T>): Live<T> {
  const feed = useMemo(
    () => new LiveFeed<T>({ get: () => getInBrowser(path), everyMs, initial, page: PAGE }),
    [path, everyMs, initial],
  );
  return useSyncExternalStore(feed.subscribe, feed.snapshot, feed.snapshot);
}
