import { describe, expect, test } from "vitest";
import { anomaliesUrl, KINDS, NEWEST, olderPage, parseAnomaliesState } from "@/app/anomalies/anomalies-state";
import { amountParts, subjectOf } from "@/lib/anomaly";
import { evidencePlot, HEIGHT, WIDTH } from "@/lib/chart/evidence-plot";
import { anomaly } from "./builders";

const START_MS = Date.parse("2023-03-11T12:00:00.000Z");
const NEXT = "/anomalies?from=2023-03-04T00%3A00%3A00.000Z&to=2023-03-11T00%3A00%3A00.000Z&per_page=50&before=17-ab";

describe("the address of the list", () => {
  test.each([
    ["/anomalies", NEWEST],
    ["/anomalies?kind=whale&severity=high&coin=bitcoin", { ...NEWEST, kind: "whale", severity: "high", coin: "bitcoin" }],
  ] as const)("%s means what it says, and is the shortest that does", (url, state) => {
    expect(parseAnomaliesState(new URLSearchParams(url.split("?")[1]))).toEqual(state);
    expect(anomaliesUrl(state)).toBe(url);
  });

  test("with nonsense in it shows everything", () => {
    const nonsense = new URLSearchParams("kind=earthquake&severity=mild&before=1-a");
    expect(parseAnomaliesState(nonsense)).toEqual(NEWEST);
  });

  test("of the next page keeps what was picked and the API's range", () => {
    const older = olderPage({ ...NEWEST, kind: "pump" }, NEXT);
    expect(older?.kind).toBe("pump");
    expect(older?.page).toEqual({ from: "2023-03-04T00:00:00.000Z", to: "2023-03-11T00:00:00.000Z", before: "17-ab" });
    expect(olderPage(NEWEST, null)).toBeNull();
  });

  test("knows each kind once", () => {
    expect(new Set(KINDS).size).toBe(7);
  });
});

describe("an amount of an anomaly", () => {
  test.each([
    [7.314, "pct", "7.31", "%"],
    [-14.3, "pct", "−14.30", "%"],
    [1_500, "s", "1,500", "s"],
    [2_450_000, "USDT", "2.45", "M USDT"],
    [820.5, "BTC", "820.50", "BTC"],
    [null, "pct", "–", ""],
  ])("%s %s has its unit apart", (amount, unit, digits, apart) => {
    expect(amountParts(amount, unit)).toEqual({ digits, unit: apart });
  });
});

describe("what an anomaly is about", () => {
  test.each([
    [{}, "SOLUSDT"],
    [{ symbol: "BTCUSDC", other_symbol: "BTCUSDT" }, "BTCUSDC / BTCUSDT"],
    [{ symbol: null, coin_id: "tron", other_coin_id: "cardano" }, "tron / cardano"],
    [{ symbol: null, coin_id: null, source: "coingecko" }, "CoinGecko"],
  ])("%o is %s", (facts, subject) => {
    expect(subjectOf(anomaly(facts))).toBe(subject);
  });
});

describe("the evidence", () => {
  const bars = (from: number, step: number) =>
    Array.from({ length: 30 }, (_, minute) => {
      const close = from + step * minute;
      const open_time = new Date(START_MS + minute * 60_000).toISOString();
      return { open_time, open: close, high: close, low: close, close, quote_volume: 1, trades: 1 };
    });
  const market = (symbol: string, quote: string, from: number, step: number) => ({
    source: "binance", symbol, coin_id: "bitcoin", quote, interval: "1m" as const, bars: bars(from, step),
  });
  const evidence = { ...anomaly().evidence, markets: [market("BTCUSDT", "USDT", 100, 0), market("BTCUSDC", "USDC", 110, 0)] };

  test("of two dollar markets shares one scale, so that their distance is seen", () => {
    const plot = evidencePlot(evidence, anomaly().started_at, null);
    const heights = plot?.lines.map(({ points }) => Number(points.split(" ")[0]?.split(",")[1]));
    expect(heights).toEqual([HEIGHT - 16, 16]);
  });

  test("shades from the start to the end, or to the edge while it lasts", () => {
    const { started_at, resolved_at } = anomaly();
    const third = WIDTH / 3;
    expect(evidencePlot(evidence, started_at, resolved_at)?.shade.x).toBeCloseTo(third, 0);
    expect(evidencePlot(evidence, started_at, resolved_at)?.shade.width).toBeCloseTo((WIDTH * 4) / 30, 0);
    expect(evidencePlot(evidence, started_at, null)?.shade.width).toBeCloseTo(WIDTH - third, 0);
    expect(evidencePlot(evidence, started_at, started_at)?.shade.width).toBe(3);
  });

  test("of an overtake is the market caps, and a missing one leaves no point", () => {
    const points = [null, 2e9, 3e9].map((market_cap_usd, minute) => ({
      time: new Date(START_MS + minute * 60_000).toISOString(), price_usd: 1, market_cap_usd,
    }));
    const snapshots = ["tron", "cardano"].map((coin_id) => ({ source: "coingecko", coin_id, points }));
    const plot = evidencePlot({ ...anomaly().evidence, snapshots }, anomaly().started_at, null);
    expect(plot?.lines.map(({ name }) => name)).toEqual(["tron, market cap", "cardano, market cap"]);
    expect(plot?.lines[0]?.points.split(" ")).toHaveLength(2);
  });

  test("of a silent source is nothing to draw", () => {
    expect(evidencePlot(anomaly().evidence, anomaly().started_at, null)).toBeNull();
  });
});
