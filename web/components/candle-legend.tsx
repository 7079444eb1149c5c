"use client";
import type { Candle } from "@/lib/api/types";
import { changeInBar, type Slot } from "@/lib/chart/candle-series";
import { formatCompact, formatCount, formatPrice, formatTime, toMs } from "@/lib/format";
import { Change } from "./figures";
import { usePlatform } from "./platform";

/** The bar under the crosshair, else the newest. */
export function CandleLegend({ slot, last }: { slot: Slot | null; last: Candle | null }) {
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

export function ProvisionalWord() {
  return (
    <span className="inline-flex items-center gap-1.5 text-ink-2" title="Later trades of this interval may still change it">
      <span className="hatched" aria-hidden="true" />
      provisional
    </span>
  );
}
