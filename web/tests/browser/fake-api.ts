/** A small API on loopback with the contract of api/openapi.json, whose market a test moves. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Candle, CoinDetail, CoinRow, Gap, Health, HistoryPoint, PartHealth } from "@/lib/api/types";
import { fakeAnomalies } from "./fake-anomalies";
import { fakeGaps, fakePipeline, fakeQuality, fakeSources } from "./fake-health";
import { analyticsRows, globalMarket, LOOK_BACK, WARM_AFTER_BARS } from "./fake-analytics";

const MINUTE_MS = 60_000;
const PULSE: Record<string, (nowMs: number) => unknown> = {
  pipeline: fakePipeline,
  sources: fakeSources,
  gaps: fakeGaps,
  quality: fakeQuality,
};
/** How long ago a feed stopped that is down. */
const STOPPED_FOR_S = 540;

const COINS = [
  ["bitcoin", "btc", "Bitcoin", 27_345.12, 19_500_000],
  ["ethereum", "eth", "Ethereum", 1_642.31, 120_000_000],
  ["tether", "usdt", "Tether", 1.0004, 83_000_000_000],
  ["binancecoin", "bnb", "BNB", 305.72, 155_000_000],
  ["usd-coin", "usdc", "USDC", 0.9871, 43_000_000_000],
  ["ripple", "xrp", "XRP", 0.3712, 51_000_000_000],
  ["cardano", "ada", "Cardano", 0.3251, 35_000_000_000],
  ["dogecoin", "doge", "Dogecoin", 0.07234, 139_000_000_000],
  ["solana", "sol", "Solana", 20.41, 395_000_000],
  ["polkadot", "dot", "Polkadot", 5.913, 1_270_000_000],
  ["tron", "trx", "TRON", 0.06612, 90_000_000_000],
  ["litecoin", "ltc", "Litecoin", 78.44, 73_000_000],
  ["avalanche-2", "avax", "Avalanche", 15.98, 330_000_000],
  ["chainlink", "link", "Chainlink", 6.437, 517_000_000],
  ["uniswap", "uni", "Uniswap", 5.874, 578_000_000],
  ["shiba-inu", "shib", "Shiba Inu", 0.00001234, 589_000_000_000_000],
  ["cosmos", "atom", "Cosmos Hub", 11.62, 346_000_000],
  ["pepe", "pepe", "Pepe", 0.0000000812, 420_690_000_000_000],
  ["the-sandbox", "sand", "The Sandbox", 0.6118, 1_500_000_000],
] as const;

/** Milliseconds of an interval such as 15m. */
function lengthMs(interval: string): number {
  const unit = { s: 1_000, m: MINUTE_MS, h: 60 * MINUTE_MS, d: 1440 * MINUTE_MS }[interval.slice(-1)] ?? MINUTE_MS;
  return Number.parseInt(interval, 10) * unit;
}

/** Deterministic numbers in [0, 1). */
function drawer(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

export class FakeApi {
  nowMs = 0;
  speed = 1;
  isReplay = false;
  /** Every answer but /health is a 503 while this is true. */
  isBroken = false;
  isRangeTooLong = false;
  down = new Set<string>();
  gaps: Gap[] = [];
  /** Bars that open in [from, to) have no indicator, milliseconds UTC. */
  undefinedBetween: readonly [number, number] | null = null;
  /** The bar in which our stream began, and which lacks trades. */
  partialMs: number | null = null;
  /** Bars come the newest first, and twice. */
  isOutOfOrder = false;
  /** Nobody has written totals or cross-sections yet. */
  isMarketUnknown = false;
  asked: string[] = [];
  #prices = new Map<string, number>();
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;

  constructor() {
    this.reset();
  }

  /** Back to a healthy market at its usual prices. */
  reset(): void {
    this.nowMs = Date.parse("2023-03-11T14:02:11.000Z");
    this.speed = 1;
    this.isReplay = false;
    this.isBroken = false;
    this.isRangeTooLong = false;
    this.down = new Set();
    this.gaps = [];
    this.undefinedBetween = null;
    this.partialMs = null;
    this.isOutOfOrder = false;
    this.isMarketUnknown = false;
    this.asked = [];
    this.#prices = new Map(COINS.map(([id, , , price]) => [id, price]));
  }

  setPrice(coinId: string, price: number): void {
    this.#prices.set(coinId, price);
  }

  price(coinId: string): number {
    const price = this.#prices.get(coinId);
    if (price === undefined) throw new Error(`no coin ${coinId}`);
    return price;
  }

  async start(port = 0): Promise<string> {
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    await new Promise<void>((done) => this.#server?.listen(port, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends; says the address it had, so that it can come back there. */
  async stop(): Promise<string> {
    const server = this.#server;
    if (!server) throw new Error("not started");
    const { port } = server.address() as AddressInfo;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((done) => server.close(() => done()));
    return `http://127.0.0.1:${port}`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://fake");
    this.asked.push(url.pathname + url.search);
    const send = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
      const type = status >= 400 && url.pathname !== "/health" ? "application/problem+json" : "application/json";
      response.writeHead(status, { "Content-Type": type, ...headers });
      response.end(JSON.stringify(body));
    };
    const [, first, coinId, last] = url.pathname.split("/").map(decodeURIComponent);
    if (first === "health") {
      const health = this.#health();
      return send(health.is_ready ? 200 : 503, this.#envelope(health), health.is_ready ? {} : { "Retry-After": "1" });
    }
    if (this.isBroken) {
      const detail = "The database does not answer at the moment. Try again shortly.";
      const body = { type: "urn:cryptoviz:problem:store-unavailable", title: "Store unavailable", status: 503, detail };
      return send(503, body, { "Retry-After": "1" });
    }
    if (first === "global") {
      const market = this.isMarketUnknown ? { totals: null, cross_sections: [] } : globalMarket(this.nowMs);
      return send(200, this.#envelope(market));
    }
    if (first === "anomalies") return this.#anomalies(coinId, url.searchParams, send);
    const told = PULSE[first ?? ""];
    if (told) return send(200, this.#envelope(told(this.nowMs)));
    if (first === "coins" && coinId === undefined) {
      return send(200, this.#envelope(COINS.map(([id]) => this.#row(id))));
    }
    if (first !== "coins" || coinId === undefined || !this.#prices.has(coinId)) {
      return send(404, { type: "about:blank", title: "Unknown coin", status: 404, detail: "No such coin." });
    }
    if (last === undefined) return send(200, this.#envelope(this.#detail(coinId)));
    if (last === "history") {
      const { data, meta } = this.#envelope(this.#history(coinId, url.searchParams));
      return send(200, { data, meta: { ...meta, as_of: this.#at(22_000), source: "coingecko" } });
    }
    if (!this.#isFollowed(coinId)) {
      const detail = `${coinId} is traded on no market that is followed.`;
      return send(404, { type: "about:blank", title: "Not found", status: 404, detail });
    }
    if (this.isRangeTooLong && url.searchParams.has("from")) {
      const detail = "At most 10,000 bars; ask for a shorter range.";
      return send(422, { type: "about:blank", title: "Range too long", status: 422, detail, limit: 10_000 });
    }
    if (last === "analytics") return send(200, this.#analytics(coinId, url.searchParams));
    const { data, meta } = this.#candles(coinId, url.searchParams);
    return send(200, { data: this.isOutOfOrder ? [...data, ...data].reverse() : data, meta });
  }

  #anomalies(id: string | undefined, query: URLSearchParams, send: (status: number, body: unknown) => void): void {
    const all = fakeAnomalies(this.nowMs);
    if (id !== undefined) {
      const one = all.find(({ anomaly_id }) => anomaly_id === id);
      if (one) return send(200, this.#envelope(one));
      return send(404, { type: "about:blank", title: "Not found", status: 404, detail: "No anomaly has this id." });
    }
    const [kind, severity, coin] = [query.get("kind"), query.get("severity"), query.get("coin")];
    send(200, this.#envelope(all.filter((one) =>
      (kind ?? one.kind) === one.kind && (severity ?? one.severity) === one.severity && (coin ?? one.coin_id) === one.coin_id,
    )));
  }

  #at(backMs: number): string {
    return new Date(this.nowMs - backMs).toISOString();
  }

  #envelope<T>(data: T) {
    const meta = { as_of: this.#at(0), is_stale: false, source: "binance,coingecko", segments: [], next: null };
    return { data, meta };
  }

  #health(): Health {
    const process = (name: string): PartHealth => {
      const isUp = !this.down.has(name);
      return { name, is_up: isUp, detail: isUp ? "Answers." : "Does not answer.", observed_at: null, age_s: null };
    };
    const feed = (name: string, freshS: number): PartHealth => {
      if (this.down.has("influxdb")) return { name, is_up: false, detail: "Nothing.", observed_at: null, age_s: null };
      const ageS = this.down.has(name) ? STOPPED_FOR_S : freshS;
      return { name, is_up: !this.down.has(name), detail: "", observed_at: this.#at(ageS * 1000), age_s: ageS };
    };
    const isReady = !this.down.has("influxdb") && !(this.down.has("prices") && this.down.has("trades"));
    return {
      status: this.down.size === 0 ? "ok" : isReady ? "degraded" : "down",
      is_live: true,
      is_ready: isReady,
      parts: [process("kafka"), process("influxdb"), feed("prices", 22), feed("trades", 1)],
      clock: {
        now: this.#at(0),
        speed: this.speed,
        is_replay: this.isReplay,
        scenario: this.isReplay ? "bars" : null,
      },
      version: "0.1.0",
    };
  }

  #isFollowed(coinId: string): boolean {
    return COINS.findIndex(([id]) => id === coinId) % 6 !== 4;
  }

  #row(coinId: string): CoinRow {
    const rank = COINS.findIndex(([id]) => id === coinId);
    const [, symbol, name, usual, supply] = COINS[rank] ?? COINS[0];
    const draw = drawer(rank + 7);
    const price = this.price(coinId);
    const isTraded = this.#isFollowed(coinId) && !this.down.has("trades");
    const isMissing = coinId === "the-sandbox";
    const isOld = coinId === "cosmos";
    const isStale = isOld || this.down.has("prices");
    const ageMs = isOld ? 410_000 : isTraded ? 900 : this.down.has("prices") ? STOPPED_FOR_S * 1000 : 22_000;
    return {
      coin_id: coinId,
      symbol,
      name,
      market_cap_rank: isMissing ? null : rank + 1,
      price_usd: isMissing ? null : price,
      price_source: isMissing ? null : isTraded ? "binance" : "coingecko",
      price_market: isTraded && !isMissing ? `${symbol.toUpperCase()}USDT` : null,
      price_observed_at: isMissing ? null : this.#at(ageMs),
      price_is_stale: isOld || (isStale && !isTraded),
      market_cap_usd: isMissing ? null : price * supply,
      volume_24h_usd: isMissing ? null : price * supply * 0.04 * (0.3 + draw()),
      high_24h_usd: usual * 1.03,
      low_24h_usd: usual * 0.96,
      change_1h_pct: isMissing ? null : (draw() - 0.5) * 2,
      change_24h_pct: isMissing ? null : (draw() - 0.55) * 9,
      change_7d_pct: isMissing || coinId === "pepe" ? null : (draw() - 0.5) * 18,
      circulating_supply: supply,
      source: isMissing ? null : "coingecko",
      observed_at: isMissing ? null : this.#at(22_000),
      collected_at: isMissing ? null : this.#at(20_500),
      is_stale: isStale,
    };
  }

  #detail(coinId: string): CoinDetail {
    const row = this.#row(coinId);
    const price = this.price(coinId);
    const market = (quote: string, isMain: boolean, factor: number) => ({
      source: "binance",
      symbol: `${row.symbol.toUpperCase()}${quote}`,
      quote,
      is_main: isMain,
      last_price: price * factor,
      last_traded_at: this.#at(this.down.has("trades") ? STOPPED_FOR_S * 1000 : isMain ? 900 : 47_000),
      is_stale: !isMain,
    });
    return {
      ...row,
      fully_diluted_valuation_usd: price * 21_000_000,
      total_supply: 19_500_000,
      max_supply: coinId === "bitcoin" ? 21_000_000 : null,
      ath_usd: 69_045,
      atl_usd: 67.81,
      ath_at: "2021-11-10T14:24:11.849Z",
      atl_at: "2013-07-06T00:00:00.000Z",
      market_cap_change_24h_pct: -1.42,
      markets: this.#isFollowed(coinId) ? [market("USDT", true, 1), market("USDC", false, 1.043)] : [],
      sources: [
        ...(row.price_market === null
          ? []
          : [{ source: "binance", price_usd: price, observed_at: this.#at(900), is_stale: false }]),
        { source: "coingecko", price_usd: price * 0.9991, observed_at: this.#at(22_000), is_stale: false },
      ],
    };
  }

  /** Snapshots with an hour missing. */
  #history(coinId: string, query: URLSearchParams): HistoryPoint[] {
    const stepMs = lengthMs(query.get("interval") ?? "5m");
    const fromMs = Date.parse(query.get("from") ?? this.#at(300 * stepMs));
    const points: HistoryPoint[] = [];
    for (let ms = Math.ceil(fromMs / stepMs) * stepMs; ms <= this.nowMs; ms += stepMs) {
      const isMissing = ms > this.nowMs - 5 * 60 * MINUTE_MS && ms < this.nowMs - 4 * 60 * MINUTE_MS;
      const price = ms + stepMs > this.nowMs ? this.price(coinId) : this.#wave(coinId, ms);
      const point = { time: new Date(ms).toISOString(), price_usd: price, market_cap_usd: price * 43e9, volume_24h_usd: 4.1e9 };
      if (!isMissing) points.push(point);
    }
    return points;
  }

  #candles(coinId: string, query: URLSearchParams) {
    const interval = query.get("interval") ?? "1m";
    const stepMs = lengthMs(interval);
    const fromMs = Date.parse(query.get("from") ?? this.#at(300 * stepMs));
    const data: Candle[] = [];
    for (let ms = Math.ceil(fromMs / stepMs) * stepMs; ms <= this.nowMs; ms += stepMs) {
      const candle = this.#candle(coinId, ms, stepMs);
      if (candle) data.push(candle);
    }
    const symbol = query.get("symbol") ?? `${coinId === "bitcoin" ? "BTC" : coinId}USDT`;
    const meta = {
      ...this.#envelope(null).meta,
      source: "binance",
      symbol,
      interval,
      quote: "USDT",
      final_through: new Date(Math.floor((this.nowMs - 30_000) / MINUTE_MS) * MINUTE_MS).toISOString(),
      gaps: this.gaps,
    };
    return { data, meta };
  }

  #analytics(coinId: string, query: URLSearchParams) {
    const interval = query.get("interval") ?? "1m";
    const stepMs = lengthMs(interval);
    const fromMs = Date.parse(query.get("from") ?? this.#at(300 * stepMs));
    const earlier = new URLSearchParams(query);
    // A twentieth of the bars is missing, so twice as many are surely enough.
    earlier.set("from", new Date(fromMs - 2 * LOOK_BACK * stepMs).toISOString());
    const { data: candles, meta } = this.#candles(coinId, earlier);
    const begin = Math.max(0, candles.findIndex(({ open_time }) => Date.parse(open_time) >= fromMs) - LOOK_BACK);
    const [from, to] = this.undefinedBetween ?? [0, 0];
    const data = analyticsRows(candles.slice(begin), stepMs, (ms) => ms >= from && ms < to);
    return { data, meta: { ...meta, warm_after_bars: WARM_AFTER_BARS } };
  }

  #wave(coinId: string, ms: number): number {
    const hours = ms / 3_600_000;
    const noise = drawer(Math.floor(ms / 1000))() - 0.5;
    const swing = Math.sin(hours * 1.7) * 0.006 + Math.sin(hours * 9.1) * 0.0022 + Math.sin(hours * 41) * 0.0007;
    return this.price(coinId) * (1 + swing + noise * 0.0014);
  }

  #candle(coinId: string, ms: number, stepMs: number): Candle | null {
    const draw = drawer(Math.floor(ms / stepMs));
    draw();
    const isInGap = this.gaps.some((gap) => ms >= Date.parse(gap.from) && ms < Date.parse(gap.to));
    const isLast = ms + stepMs > this.nowMs;
    if (isInGap || (!isLast && draw() < 0.05)) return null;
    const open = this.#wave(coinId, ms);
    const close = isLast ? this.price(coinId) : this.#wave(coinId, ms + stepMs);
    const spread = open * 0.0008;
    const volume = 2 + draw() ** 4 * 60;
    return {
      open_time: new Date(ms).toISOString(),
      open,
      high: Math.max(open, close) + draw() * spread,
      low: Math.min(open, close) - draw() * spread,
      close,
      volume,
      quote_volume: volume * close,
      trades: Math.round(volume * 9),
      vwap: (open + close) / 2,
      buy_volume: volume * 0.52,
      sell_volume: volume * 0.48,
      first_trade_id: null,
      last_trade_id: null,
      coverage: ms === this.partialMs ? 0.62345 : 1,
      is_partial: ms === this.partialMs,
      is_final: ms + stepMs <= this.nowMs - 30_000,
      layer: "speed",
    };
  }
}
