/** Passes one GET of the browser on to the API and its answer back. */
import { API_TIMEOUT_MS, apiUrl, unreachable } from "./get";

const PASSED_BACK = ["content-type", "retry-after"];

function unreachableAnswer(): Response {
  const { title, detail } = unreachable();
  const body = { type: "about:blank", title, status: 503, detail };
  return new Response(JSON.stringify(body), {
    status: 503,
    headers: {
      "Content-Type": "application/problem+json",
      "Retry-After": "2",
      "Cache-Control": "no-store",
    },
  });
}

export async function passOn(
  segments: readonly string[],
  search: string,
  browser: AbortSignal,
): Promise<Response> {
  // Encoded again, so that a decoded slash or dot segment cannot leave the API's own paths.
  const path = segments.map(encodeURIComponent).join("/");
  if (segments.some((segment) => segment === "." || segment === "..")) return notFound();
  const late = new AbortController();
  // Until the first byte of the answer; a stream of events may then stay open.
  const timer = setTimeout(() => late.abort(), API_TIMEOUT_MS);
  try {
    const answer = await fetch(`${apiUrl()}/${path}${search}`, {
      cache: "no-store",
      redirect: "manual",
      signal: AbortSignal.any([browser, late.signal]),
    });
    const headers = new Headers({ "Cache-Control": "no-store" });
    for (const name of PASSED_BACK) {
      const found = answer.headers.get(name);
      if (found !== null) headers.set(name, found);
    }
    return new Response(answer.body, { status: answer.status, headers });
  } catch {
    return unreachableAnswer();
  } finally {
    clearTimeout(timer);
  }
}

function notFound(): Response {
  const body = { type: "about:blank", title: "Not found", status: 404, detail: "No such path." };
  return new Response(JSON.stringify(body), {
    status: 404,
    headers: { "Content-Type": "application/problem+json" },
  });
}
