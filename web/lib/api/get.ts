/** Asks the API: from the browser through this origin's /api, on the server directly. */
import type { Path } from "./paths";
import type { Answer, Problem } from "./types";

/** Longer than the API's own query timeout of 10 s, so that its reason arrives instead of ours. */
export const API_TIMEOUT_MS = 12_000;
/** Longer again, so that what `passOn` says arrives. */
const BROWSER_TIMEOUT_MS = 15_000;

export function apiUrl(): string {
  return (process.env.CRYPTOVIZ_API_URL ?? "http://127.0.0.1:8000").replace(/\/+$/, "");
}

export function unreachable(): Problem {
  return {
    title: "The API does not answer",
    detail: "Nothing listens at its address, or it did not answer in time.",
    status: 0,
    retryAfterS: null,
  };
}

function text(body: unknown, key: string): string | null {
  if (typeof body !== "object" || body === null) return null;
  const found = (body as Record<string, unknown>)[key];
  return typeof found === "string" ? found : null;
}

function problemOf(response: Response, body: unknown): Problem {
  const wait = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return {
    title: text(body, "title") ?? `The API answered ${response.status}`,
    detail: text(body, "detail") ?? "",
    status: response.status,
    retryAfterS: Number.isFinite(wait) ? wait : null,
  };
}

/**
 * An answer is a body with `data`, whatever its status: /health says 503 and still tells which
 * part is down. Everything else is a problem. Never throws.
 */
export async function readAnswer<T>(response: Response): Promise<Answer<T>> {
  let body: unknown = null;
  try {
    body = await response.json();
  } catch {
    // Not JSON: the status alone says what happened.
  }
  const atMs = Date.now();
  if (typeof body === "object" && body !== null && "data" in body) {
    return { ok: true, body: body as T, atMs };
  }
  return { ok: false, problem: problemOf(response, body), atMs };
}

async function ask<T>(url: string, timeoutMs: number): Promise<Answer<T>> {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    return await readAnswer<T>(await fetch(url, { cache: "no-store", signal }));
  } catch {
    return { ok: false, problem: unreachable(), atMs: Date.now() };
  }
}

export function getInBrowser<T>(path: Path<T>): Promise<Answer<T>> {
  return ask<T>(`/api${path}`, BROWSER_TIMEOUT_MS);
}

export function getOnServer<T>(path: Path<T>): Promise<Answer<T>> {
  return ask<T>(`${apiUrl()}${path}`, API_TIMEOUT_MS);
}
