"use client";
/** The chart with its pickers, its legend and what is known about the bars. */
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useEffect, useMemo, useState } from "react";
import {
  type ChartState,
  chartUrl,
  INTERVAL_MS,
  INTERVALS,
  MOST_BARS,
  RANGE_MS,
  RANGES,
  whyNot,
  withInterval,
} from "@/app/coins/[coin_id]/chart-state";
import type { Answer, Candle, Candles, CoinDetail, Problem } from "@/lib/api/types";
import { changeInBar, gapSpans, slotAt, type Slot, slotsOf } from "@/lib/chart/candle-series";
import { formatCompact, formatCount, formatMarket, formatPrice, formatTime, toMs } from "@/lib/format";
import { useCandles } from "@/lib/use-candles";
import { CandleCanvas } from "./candle-canvas";
import { Change, Moment } from "./figures";
import { usePlatform } from "./platform";

interface Props {
  coin: CoinDetail;
  chart: ChartState;
  initial: Answer<Candles>;
}

export function ChartPanel({ coin, chart, initial }: Props) {
  const intervalMs = INTERVAL_MS[chart.interval];
  const [fromMs] = useState(() => initialFromMs(initial, chart));
  const query = { coinId: coin.coin_id, symbol: chart.market, interval: chart.interval, fromMs };
  const mostBars = Math.min(MOST_BARS, Math.ceil((RANGE_MS[chart.range] / intervalMs) * 1.5));
  const { candles, error } = useCandles(query, intervalMs, mostBars, initial);
  const slots = useMemo(() => slotsOf(candles?.data ?? [], intervalMs), [candles, intervalMs]);
  const gaps = useMemo(
    () => gapSpans(candles?.meta.gaps ?? [], slots, intervalMs),
    [candles, slots, intervalMs],
  );
  const [pointedMs, setPointedMs] = useState<number | null>(null);
  const pointed = pointedMs === null ? null : slotAt(slots, pointedMs, intervalMs);
  const last = candles?.data.at(-1) ?? null;
  useIntervalKeys(coin.coin_id, chart);

  return (
    <section className="panel flex min-w-0 flex-col" aria-label="Chart">
      <Pickers coin={coin} chart={chart} />
      <Legend slot={pointed} last={last} />
      <div className="relative h-[360px] sm:h-[max(420px,calc(100dvh-300px))]">
        {slots.length > 0 ? (
          <CandleCanvas
            slots={slots}
            gaps={gaps}
            lastTradedAt={lastTradedAt(coin, candles)}
            label={`Candles of ${candles?.meta.symbol ?? coin.name}, ${chart.interval}`}
            onPoint={setPointedMs}
          />
        ) : (
          <NoBars coin={coin} chart={chart} error={error} />
        )}
      </div>
      <Footnotes candles={candles} error={error} gapCount={gaps.length} />
    </section>
  );
}

function initialFromMs(initial: Answer<Candles>, chart: ChartState): number | null {
  const first = initial.ok ? toMs(initial.body.data[0]?.open_time) : null;
  const last = initial.ok ? toMs(initial.body.data.at(-1)?.open_time) : null;
  return first === null || last === null ? null : Math.max(first, last - RANGE_MS[chart.range]);
}

function lastTradedAt(coin: CoinDetail, candles: Candles | null): string | null {
  const market = coin.markets.find((one) => one.symbol === candles?.meta.symbol);
  return market?.last_traded_at ?? null;
}

function useIntervalKeys(coinId: string, chart: ChartState): void {
  const router = useRouter();
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const step = event.key === "[" ? -1 : event.key === "]" ? 1 : 0;
      if (step === 0 || event.target instanceof HTMLInputElement) return;
      const next = INTERVALS[INTERVALS.indexOf(chart.interval) + step];
      if (next) router.replace(chartUrl(coinId, withInterval(chart, next)), { scroll: false });
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [router, coinId, chart]);
}

function Pickers({ coin, chart }: { coin: CoinDetail; chart: ChartState }) {
  return (
    <div className="flex flex-wrap items-center gap-2 border-b border-line p-2">
      <MarketPicker coin={coin} chart={chart} />
      <div className="segments" role="group" aria-label="Interval">
        {INTERVALS.map((interval) => (
          <Link
            key={interval}
            href={chartUrl(coin.coin_id, withInterval(chart, interval))}
            replace
            scroll={false}
            prefetch={false}
            aria-current={interval === chart.interval ? "true" : undefined}
          >
            {interval}
          </Link>
        ))}
      </div>
      <div className="segments sm:ml-auto" role="group" aria-label="Range">
        {RANGES.map((range) => {
          const reason = whyNot(chart.interval, range);
          return reason !== null ? (
            <span key={range} aria-disabled="true" title={reason}>
              {range}
            </span>
          ) : (
            <Link
              key={range}
              href={chartUrl(coin.coin_id, { ...chart, range })}
              replace
              scroll={false}
              prefetch={false}
              aria-current={range === chart.range ? "true" : undefined}
            >
              {range}
            </Link>
          );
        })}
      </div>
    </div>
  );
}

function MarketPicker({ coin, chart }: { coin: CoinDetail; chart: ChartState }) {
  const router = useRouter();
  if (coin.markets.length === 0) return null;
  const main = coin.markets.find((market) => market.is_main);
  return (
    <select
      className="field"
      aria-label="Market"
      value={chart.market ?? main?.symbol}
      onChange={(event) => {
        const market = event.target.value === main?.symbol ? null : event.target.value;
        router.replace(chartUrl(coin.coin_id, { ...chart, market }), { scroll: false });
      }}
    >
      {coin.markets.map((market) => (
        <option key={`${market.source} ${market.symbol}`} value={market.symbol}>
          {formatMarket(market)}
        </option>
      ))}
    </select>
  );
}

/** The bar under the crosshair, else the newest. */
function Legend({ slot, last }: { slot: Slot | null; last: Candle | null }) {
  const { zone } = usePlatform();
  const candle = slot ? slot.candle : last;
  const at = slot ? slot.openMs : toMs(last?.open_time);
  return (
    <div
      className="flex min-h-8 flex-wrap items-center gap-x-3 px-3 py-1.5 text-[12px]"
      data-testid="legend"
      data-close={candle?.close ?? ""}
    >
      {at !== null && <span className="text-ink-2">{formatTime(at, zone, "dateMinute")}</span>}
      {candle ? (
        <BarFigures candle={candle} />
      ) : (
        at !== null && <span className="text-ink-2">No trade in this interval</span>
      )}
    </div>
  );
}

function BarFigures({ candle }: { candle: Candle }) {
  const prices = [
    ["O", candle.open],
    ["H", candle.high],
    ["L", candle.low],
    ["C", candle.close],
  ] as const;
  return (
    <>
      {prices.map(([name, price]) => (
        <span key={name}>
          <span className="unit">{name}</span> {formatPrice(price)}
        </span>
      ))}
      <Change percent={changeInBar(candle)} why="The bar opened at 0" />
      <span>
        <span className="unit">Vol</span> {formatCompact(candle.volume)}
      </span>
      {candle.trades !== null && (
        <span className="hidden sm:inline">
          <span className="unit">Trades</span> {formatCount(candle.trades)}
        </span>
      )}
      {candle.is_final ? null : <ProvisionalWord />}
    </>
  );
}

function ProvisionalWord() {
  return (
    <span className="inline-flex items-center gap-1.5 text-ink-2" title="Later trades of this interval may still change it">
      <span className="hatched" aria-hidden="true" />
      provisional
    </span>
  );
}

function NoBars({ coin, chart, error }: { coin: CoinDetail; chart: ChartState; error: Problem | null }) {
  const hasMarket = coin.markets.length > 0;
  const reason = !hasMarket
    ? `No exchange market of ${coin.name} is collected, so there are no candles. Its price comes from snapshots.`
    : error
      ? `${error.title}. ${error.detail}`
      : `No trade in the last ${chart.range} on this market.`;
  return (
    <div className="absolute inset-0 flex items-center justify-center p-6 text-center" data-testid="no-bars">
      <div className="max-w-sm text-[13px]">
        <p className="mb-1 font-semibold">
          {hasMarket && error ? "The candles could not be loaded" : "No bars to draw"}
        </p>
        <p className="text-ink-2">{reason}</p>
      </div>
    </div>
  );
}

function Footnotes({ candles, error, gapCount }: { candles: Candles | null; error: Problem | null; gapCount: number }) {
  return (
    <footer className="flex flex-wrap items-center gap-x-4 gap-y-1 border-t border-line px-3 py-2 text-[12px] text-ink-3">
      {candles && <span>{formatMarket({ source: candles.meta.source ?? "", symbol: candles.meta.symbol })}, in {candles.meta.quote}</span>}
      {candles?.meta.final_through && (
        <span title="Bars that close at or before it do not change any more">
          final to <Moment at={candles.meta.final_through} style="minute" />
        </span>
      )}
      {candles && <ProvisionalWord />}
      {gapCount > 0 && <span className="text-delayed">{formatCount(gapCount)} {gapCount === 1 ? "gap" : "gaps"} in the feed, shaded</span>}
      {candles && error && <span className="text-delayed">{error.title}; the last bars are shown</span>}
      <a className="ml-auto hover:text-ink" href="https://www.tradingview.com/" rel="noreferrer" target="_blank">
        Charts by TradingView Lightweight Charts™
      </a>
    </footer>
  );
}
