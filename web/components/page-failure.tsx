"use client";
/** In the place of a page whose answer is missing: says so, and draws the page once it is there. */
import { useRouter } from "next/navigation";
import { useEffect } from "react";
import type { Path } from "@/lib/api/paths";
import type { Answer } from "@/lib/api/types";
import { useLive } from "@/lib/live";
import { Failure } from "./failure";

const AGAIN_EVERY_MS = 2_000;
const NOT_FOUND = 404;

interface Props {
  what: string;
  /** What the page could not do without, and how that failed. */
  path: Path<unknown>;
  failed: Extract<Answer<unknown>, { ok: false }>;
}

export function PageFailure({ what, path, failed }: Props) {
  const router = useRouter();
  const live = useLive(path, AGAIN_EVERY_MS, failed);
  useEffect(() => {
    // Each good answer asks again, because the server's own question may still have failed.
    if (live.error === null || live.error.status === NOT_FOUND) router.refresh();
  }, [router, live]);
  return (
    <Failure
      what={what}
      problem={live.error ?? failed.problem}
      hint="It appears here by itself as soon as that changes."
    />
  );
}
