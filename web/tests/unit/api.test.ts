import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { getOnServer, readAnswer } from "@/lib/api/get";
import { passOn } from "@/lib/api/pass-on";
import { analyticsPath, candlesPath, coinPath, HEALTH } from "@/lib/api/paths";

const SIGNAL = new AbortController().signal;
const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers });

describe("reading an answer", () => {
  test("takes a body with data, also of a 503", async () => {
    expect(await readAnswer(json(503, { data: 1, meta: {} }))).toMatchObject({ ok: true, body: { data: 1 } });
  });

  test("reads a problem with its Retry-After", async () => {
    const answer = await readAnswer(json(503, { title: "InfluxDB is down", detail: "why" }, { "Retry-After": "3" }));
    expect(answer).toMatchObject({
      ok: false,
      problem: { title: "InfluxDB is down", detail: "why", status: 503, retryAfterS: 3 },
    });
  });

  test("makes a problem of what is not JSON", async () => {
    const answer = await readAnswer(new Response("<html>", { status: 502 }));
    expect(answer).toMatchObject({ ok: false, problem: { title: "The API answered 502", status: 502 } });
  });
});

test("paths are encoded", () => {
  expect(coinPath("a/../b?c")).toBe("/coins/a%2F..%2Fb%3Fc");
  expect(candlesPath({ coinId: "bitcoin", symbol: "BTCUSDC", interval: "1m", fromMs: 0 })).toBe(
    "/coins/bitcoin/candles?interval=1m&symbol=BTCUSDC&from=1970-01-01T00%3A00%3A00.000Z",
  );
  expect(analyticsPath({ coinId: "a/b", symbol: null, interval: "1h", fromMs: null })).toBe("/coins/a%2Fb/analytics?interval=1h");
});

describe("passing a request on", () => {
  let server: Server;
  let asked: string[];

  beforeEach(async () => {
    asked = [];
    server = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.writeHead(503, { "Content-Type": "application/problem+json", "Retry-After": "5", "Set-Cookie": "a=b" });
      response.end('{"title":"down"}');
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    vi.stubEnv("CRYPTOVIZ_API_URL", `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    server.closeAllConnections();
    await new Promise<void>((done) => server.close(() => done()));
  });

  test("keeps path, query, status, body, type and Retry-After, and nothing else", async () => {
    const answer = await passOn(["coins", "bit coin"], "?page=2", SIGNAL);
    expect(asked).toEqual(["/coins/bit%20coin?page=2"]);
    expect(answer.status).toBe(503);
    expect(await answer.text()).toBe('{"title":"down"}');
    expect(Object.fromEntries(answer.headers)).toEqual({
      "cache-control": "no-store",
      "content-type": "application/problem+json",
      "retry-after": "5",
    });
  });

  test("refuses segments that climb", async () => {
    expect((await passOn(["coins", "..", "secret"], "", SIGNAL)).status).toBe(404);
    expect(asked).toEqual([]);
  });

  test("answers 503 itself when nothing listens", async () => {
    vi.stubEnv("CRYPTOVIZ_API_URL", "http://127.0.0.1:1");
    const answer = await passOn(["coins"], "", SIGNAL);
    expect(answer.status).toBe(503);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(answer.headers.get("Retry-After")).toBe("2");
    expect(await getOnServer(HEALTH)).toMatchObject({ ok: false, problem: { title: "The API does not answer" } });
  });
});
