/** Indicators and cross-sections as the fake API answers them: plausible, and the same every time. */
import type { Analytics, Candle, GlobalMarket } from "@/lib/api/types";

/** The longest look back of any indicator, in bars. */
export const LOOK_BACK = 50;

export const WARM_AFTER_BARS: Record<string, number> = {
  ...{ ema_5: 100, ema_10: 200, ema_20: 400, ema_50: 1000 },
  ...{ macd: 520, macd_signal: 520, macd_histogram: 520, rsi_14: 280, atr_14: 280 },
};

/** When the series of minutes began. */
const BEGUN_MS = Date.parse("2023-03-11T06:00:00.000Z");

function mean(numbers: readonly number[], last: number): number | null {
  const held = numbers.slice(-last);
  return held.length < last ? null : held.reduce((sum, one) => sum + one, 0) / last;
}

function spread(numbers: readonly number[], last: number): number | null {
  const middle = mean(numbers, last);
  if (middle === null) return null;
  return Math.sqrt(numbers.slice(-last).reduce((sum, one) => sum + (one - middle) ** 2, 0) / last);
}

/** Rows of the final bars among `candles`, of which the first `LOOK_BACK` are only looked back at. */
export function analyticsRows(
  candles: readonly Candle[],
  stepMs: number,
  isUndefined: (openMs: number) => boolean,
): Analytics[] {
  return candles.slice(LOOK_BACK).flatMap((candle, index) => {
    if (!candle.is_final) return [];
    const until = candles.slice(0, index + LOOK_BACK + 1);
    const openMs = Date.parse(candle.open_time);
    const row = rowOf(candle, until.map(({ close }) => close), (openMs - BEGUN_MS) / stepMs);
    return [isUndefined(openMs) ? emptied(row) : row];
  });
}

function emptied(row: Analytics): Analytics {
  const { open_time, close, bars, layer } = row;
  const nulls = Object.fromEntries(Object.keys(row).map((key) => [key, null]));
  return { ...(nulls as unknown as Analytics), open_time, close, bars, layer };
}

function rowOf(candle: Candle, closes: readonly number[], bars: number): Analytics {
  const { close } = candle;
  const middle = mean(closes, 20);
  const sigma = spread(closes, 20);
  const [fast, slow] = [mean(closes, 12), mean(closes, 26)];
  const macd = fast === null || slow === null ? null : fast - slow;
  const tenBack = closes.at(-11);
  const wave = Math.sin(Date.parse(candle.open_time) / 1_900_000);
  const ema = (length: number): number | null => {
    const sma = mean(closes, length);
    return sma === null ? null : sma + (close - sma) * 0.25;
  };
  return {
    open_time: candle.open_time,
    close,
    sma_5: mean(closes, 5),
    sma_10: mean(closes, 10),
    sma_20: middle,
    sma_50: mean(closes, 50),
    ema_5: ema(5),
    ema_10: ema(10),
    ema_20: ema(20),
    ema_50: ema(50),
    bollinger_upper_20: middle === null || sigma === null ? null : middle + 2 * sigma,
    bollinger_lower_20: middle === null || sigma === null ? null : middle - 2 * sigma,
    rsi_14: 50 + 28 * wave,
    macd,
    macd_signal: macd === null ? null : macd * 0.8,
    macd_histogram: macd === null ? null : macd * 0.2 + wave,
    atr_14: close * 0.001 * (1.2 + wave),
    realised_volatility_20_pct: sigma === null ? null : (sigma / close) * 20_000,
    momentum_10_pct: tenBack === undefined ? null : 100 * (close / tenBack - 1),
    volume_ratio_20: 1 + 0.8 * wave,
    buy_sell_ratio: 1 + 0.2 * wave,
    bars,
    layer: "speed",
  };
}

export function globalMarket(nowMs: number): GlobalMarket {
  const section = (interval: "1m" | "1h", lengthMs: number) => ({
    interval,
    open_time: new Date(Math.floor(nowMs / lengthMs) * lengthMs - lengthMs).toISOString(),
    coins: 16,
    advancing: interval === "1h" ? 10 : 7,
    declining: interval === "1h" ? 5 : 9,
    breadth_pct: interval === "1h" ? 62.5 : 43.75,
    quote_volume_usd: interval === "1h" ? 812e6 : 13.1e6,
    btc_volume_share_pct: interval === "1h" ? 41.27 : 38.02,
    eth_volume_share_pct: 19.4,
    weighted_return_pct: interval === "1h" ? 0.214 : -0.031,
    index: 100.214,
  });
  return {
    totals: {
      source: "coingecko",
      observed_at: new Date(nowMs - 40_000).toISOString(),
      collected_at: new Date(nowMs - 39_000).toISOString(),
      is_stale: false,
      market_cap_usd: 1.06e12,
      market_cap_change_24h_pct: -1.42,
      volume_24h_usd: 5.1e10,
      btc_dominance_pct: 43.61,
      eth_dominance_pct: 18.9,
      active_coins: 10_874,
      markets: 731,
    },
    cross_sections: [section("1m", 60_000), section("1h", 3_600_000)],
  };
}
