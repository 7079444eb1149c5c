"use client";
/** What each chosen indicator says at the bar under the crosshair, else at the newest final bar. */
import type { Analytics, AnalyticsSeries, Problem } from "@/lib/api/types";
import type { Slot } from "@/lib/chart/candle-series";
import type { AnalyticsAt } from "@/lib/chart/indicator-series";
import { type IndicatorKey, INDICATORS, type IndicatorLine, type SeriesInk, warmUp, WRITTEN } from "@/lib/chart/indicators";
import { formatCount, formatTime, type TimeStyle, toMs } from "@/lib/format";
import { Missing } from "./figures";
import { usePlatform } from "./platform";

const SWATCH: Record<SeriesInk, string> = {
  series1: "border-series-1",
  series2: "border-series-2",
  series3: "border-series-3",
  series4: "border-series-4",
  ink3: "border-ink-3",
};

interface Props {
  chosen: readonly IndicatorKey[];
  /** Null: no answer yet. */
  analytics: AnalyticsSeries | null;
  rows: AnalyticsAt;
  error: Problem | null;
  /** Under the crosshair; null when it is elsewhere. */
  slot: Slot | null;
  timeStyle: TimeStyle;
}

export function IndicatorLegend({ chosen, analytics, rows, error, slot, timeStyle }: Props) {
  const { zone } = usePlatform();
  if (chosen.length === 0) return null;
  const row = (slot ? rows.get(slot.openMs) : analytics?.data.at(-1)) ?? null;
  const at = slot?.openMs ?? toMs(row?.open_time);
  const why = whyMissing(slot, row, analytics, error);
  return (
    <ul className="flex min-h-7 flex-wrap items-center gap-x-4 gap-y-1 px-3 pb-1.5 text-[12px]" data-testid="indicator-legend">
      {at !== null && (
        <li className="text-ink-3" title="Indicators are taken at the close of a bar, once it is final">
          at {formatTime(at, zone, timeStyle)}
        </li>
      )}
      {chosen.map((key) => (
        <li key={key} className="flex flex-wrap items-center gap-x-2" data-indicator={key}>
          <span className="text-ink-2">{INDICATORS[key].label}</span>
          {INDICATORS[key].lines.map((line) => (
            <Figure key={line.field} line={line} indicator={key} row={row} why={why} />
          ))}
          {row && <Warming indicator={key} row={row} warmAfter={analytics?.meta.warm_after_bars ?? {}} />}
        </li>
      ))}
      {error && <li className="text-delayed">{error.title}; indicators are as they were</li>}
    </ul>
  );
}

function whyMissing(slot: Slot | null, row: Analytics | null, analytics: AnalyticsSeries | null, error: Problem | null): string {
  if (row) return "Not defined at this bar: too few bars before it, or nothing to divide by";
  if (error && !analytics) return `The indicators could not be loaded: ${error.title}`;
  if (!analytics) return "The indicators are on their way";
  if (!slot) return "No bar of this market has an indicator yet";
  if (!slot.candle) return "No trade in this interval";
  if (!slot.candle.is_final) return "Indicators are taken at the close of a bar, once it is final";
  return "No indicator is kept for this bar";
}

interface FigureProps {
  line: IndicatorLine;
  indicator: IndicatorKey;
  row: Analytics | null;
  why: string;
}

function Figure({ line, indicator, row, why }: FigureProps) {
  const amount = row?.[line.field] ?? null;
  const style = line.style === "dashed" ? "border-t-2 border-dashed" : line.style === "columns" ? "border-t-[6px]" : "border-t-2";
  return (
    <span className="inline-flex items-center gap-1.5" data-field={line.field} data-value={amount ?? ""}>
      <span className={`w-3.5 ${style} ${SWATCH[line.ink]}`} aria-hidden="true" />
      {line.label && <span className="unit">{line.label}</span>}
      {amount === null ? <Missing why={why} /> : WRITTEN[INDICATORS[indicator].unit](amount)}
    </span>
  );
}

function Warming({ indicator, row, warmAfter }: { indicator: IndicatorKey; row: Analytics; warmAfter: Record<string, number> }) {
  const warming = warmUp(indicator, row, warmAfter);
  if (!warming) return null;
  return (
    <span className="text-delayed" title="Until then the number still depends on where its series began">
      warming up: {formatCount(warming.bars)} of {formatCount(warming.after)} bars
    </span>
  );
}
