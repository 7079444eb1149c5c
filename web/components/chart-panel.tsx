"use client";
/** The candles of one market with their pickers, legend and what is known about the bars. */
import { useRouter, useSearchParams } from "next/navigation";
import { useEffect, useMemo, useState } from "react";
import {
  type ChartState,
  chartUrl,
  INTERVAL_MS,
  INTERVALS,
  MOST_BARS,
  RANGE_MS,
  RANGES,
  whyNoIndicators,
  whyNot,
  withInterval,
} from "@/app/coins/[coin_id]/chart-state";
import type { Answer, Candles, CoinDetail, Problem } from "@/lib/api/types";
import { CandleChart } from "@/lib/chart/candle-chart";
import { gapAt, type GapSpan, gapSpans, slotAt, slotsOf } from "@/lib/chart/candle-series";
import { analyticsAt } from "@/lib/chart/indicator-series";
import { type IndicatorKey, INDICATORS, paneKeys, parseIndicators } from "@/lib/chart/indicators";
import { formatCount, formatMarket, toMs } from "@/lib/format";
import { useAnalytics, useCandles } from "@/lib/use-candles";
import { CandleLegend, ProvisionalWord } from "./candle-legend";
import { ChartCanvas } from "./chart-canvas";
import { ChartFrame, NothingToDraw, Segments } from "./chart-frame";
import { Moment } from "./figures";
import { IndicatorChooser } from "./indicator-chooser";
import { IndicatorLegend } from "./indicator-legend";
import { isKeyOfOthers } from "./keyboard";
import { usePlatform } from "./platform";

interface Props {
  coin: CoinDetail;
  chart: ChartState;
  /** Where the range begins, milliseconds UTC; null when the platform's time is not known. */
  fromMs: number | null;
  initial: Answer<Candles>;
}

export function ChartPanel({ coin, chart: asked, fromMs: askedFromMs, initial }: Props) {
  const { zone } = usePlatform();
  const chart = useChosen(asked);
  const intervalMs = INTERVAL_MS[chart.interval];
  const [fromMs] = useState(() => initialFromMs(initial, chart) ?? askedFromMs);
  const query = { coinId: coin.coin_id, symbol: chart.market, interval: chart.interval, fromMs };
  const mostBars = Math.min(MOST_BARS, Math.ceil((RANGE_MS[chart.range] / intervalMs) * 1.5));
  const { held: candles, error } = useCandles(query, intervalMs, mostBars, initial);
  const chosen = whyNoIndicators(chart.interval) === null ? chart.indicators : NO_INDICATORS;
  const { held: analytics, error: analyticsError } = useAnalytics(query, mostBars, chosen.length > 0);
  const bars = useMemo(() => {
    const slots = slotsOf(candles?.data ?? [], intervalMs);
    return { slots, gaps: gapSpans(candles?.meta.gaps ?? [], slots, intervalMs, zone), intervalMs };
  }, [candles, intervalMs, zone]);
  const rows = useMemo(() => analyticsAt(analytics?.data ?? []), [analytics]);
  const view = useMemo(() => ({ ...bars, chosen, rows }), [bars, chosen, rows]);
  const [pointedMs, setPointedMs] = useState<number | null>(null);
  const pointed = pointedMs === null ? null : slotAt(view.slots, pointedMs, intervalMs);
  useIntervalKeys(coin.coin_id, chart);
  const timeStyle = chart.interval === "1s" ? "dateTime" : "dateMinute";
  const gap = pointed && gapAt(candles?.meta.gaps ?? [], pointed.openMs, intervalMs);

  return (
    <ChartFrame
      pickers={<Pickers coin={coin} chart={chart} />}
      panes={paneKeys(chosen).length}
      legend={
        <>
          <CandleLegend slot={pointed} last={view.slots.at(-1)?.candle ?? null} gap={gap} timeStyle={timeStyle} />
          <IndicatorLegend
            chosen={chosen}
            analytics={analytics}
            rows={rows}
            error={analyticsError}
            slot={pointed}
            timeStyle={timeStyle}
          />
        </>
      }
      footnotes={<Footnotes candles={candles} error={error} gaps={view.gaps} />}
    >
      {view.slots.length > 0 ? (
        <ChartCanvas
          Chart={CandleChart}
          view={view}
          observedAt={lastTradedAt(coin, candles)}
          label={[`Candles of ${candles?.meta.symbol ?? coin.name}`, chart.interval, ...chosen.map((key) => INDICATORS[key].label)].join(", ")}
          onPoint={setPointedMs}
        />
      ) : error ? (
        <NothingToDraw what="The candles could not be loaded" why={`${error.title}. ${error.detail}`} />
      ) : (
        <NothingToDraw what="No bars to draw" why={`No trade in the last ${chart.range} on this market.`} />
      )}
    </ChartFrame>
  );
}

const NO_INDICATORS: readonly IndicatorKey[] = [];

/** The choice of indicators changes in the address alone, without the server. */
function useChosen(asked: ChartState): ChartState {
  const named = useSearchParams().get("indicators");
  return useMemo(() => ({ ...asked, indicators: parseIndicators(named) }), [asked, named]);
}

function initialFromMs(initial: Answer<Candles>, chart: ChartState): number | null {
  const opened = initial.ok ? initial.body.data.flatMap(({ open_time }) => toMs(open_time) ?? []) : [];
  if (opened.length === 0) return null;
  return Math.max(Math.min(...opened), Math.max(...opened) - RANGE_MS[chart.range]);
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
      if (step === 0 || isKeyOfOthers(event)) return;
      const next = INTERVALS[INTERVALS.indexOf(chart.interval) + step];
      if (next) router.replace(chartUrl(coinId, withInterval(chart, next)), { scroll: false });
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [router, coinId, chart]);
}

function Pickers({ coin, chart }: { coin: CoinDetail; chart: ChartState }) {
  const intervals = INTERVALS.map((interval) => ({
    label: interval,
    href: chartUrl(coin.coin_id, withInterval(chart, interval)),
    isCurrent: interval === chart.interval,
    whyNot: null,
  }));
  const ranges = RANGES.map((range) => ({
    label: range,
    href: chartUrl(coin.coin_id, { ...chart, range }),
    isCurrent: range === chart.range,
    whyNot: whyNot(chart.interval, range),
  }));
  return (
    <>
      <div className="flex flex-wrap gap-2">
        <MarketPicker coin={coin} chart={chart} />
        <Segments name="Interval" segments={intervals} />
        <IndicatorChooser
          chosen={chart.indicators}
          choose={(indicators) => window.history.replaceState(null, "", chartUrl(coin.coin_id, { ...chart, indicators }))}
          whyNot={whyNoIndicators(chart.interval)}
        />
      </div>
      <Segments name="Range" segments={ranges} />
    </>
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

function Footnotes({ candles, error, gaps }: { candles: Candles | null; error: Problem | null; gaps: readonly GapSpan[] }) {
  if (!candles) return null;
  const { source, symbol, interval, quote, final_through } = candles.meta;
  return (
    <>
      <span>{source === null ? symbol : formatMarket({ source, symbol })}, in {quote}</span>
      {final_through && (
        <span title="Bars that close at or before it do not change any more">
          final to <Moment at={final_through} style={interval === "1s" ? "time" : "minute"} />
        </span>
      )}
      <ProvisionalWord />
      {gaps.length > 0 && <Gaps gaps={gaps} />}
      {error && <span className="text-delayed">{error.title}; the last bars are shown</span>}
    </>
  );
}

/** How many, and all that is known of the newest; of the others on hover. */
function Gaps({ gaps }: { gaps: readonly GapSpan[] }) {
  const words = gaps.map((gap) => gap.words);
  return (
    <span className="text-delayed" title={words.join("\n")}>
      {formatCount(gaps.length)} {gaps.length === 1 ? "gap" : "gaps"} in the feed, shaded: {words.at(-1)}
    </span>
  );
}
