"use client";
import type { Candle, Gap } from "@/lib/api/types";
import { changeInBar, gapWords, type Slot } from "@/lib/chart/candle-series";
import { formatCompact, formatCount, formatPrice, formatShare, formatTime, type TimeStyle, toMs } from "@/lib/format";
import { Change } from "./figures";
import { usePlatform } from "./platform";

interface Props {
  /** Under the crosshair; null when it is elsewhere. */
  slot: Slot | null;
  last: Candle | null;
  /** The gap that the slot lies in. */
  gap: Gap | null;
  timeStyle: TimeStyle;
}

/** The bar under the crosshair, else the newest. */
export function CandleLegend({ slot, last, gap, timeStyle }: Props) {
  const { zone } = usePlatform();
  const candle = slot ? slot.candle : last;
  const at = slot ? slot.openMs : toMs(last?.open_time);
  return (
    <div
      className="flex min-h-8 flex-wrap items-center gap-x-3 px-3 py-1.5 text-[12px]"
      data-testid="legend"
      data-close={candle?.close ?? ""}
    >
      {at !== null && <span className="text-ink-2">{formatTime(at, zone, timeStyle)}</span>}
      {candle ? (
        <BarFigures candle={candle} />
      ) : (
        at !== null && !gap && <span className="text-ink-2">No trade in this interval</span>
      )}
      {gap && <span className="text-delayed">{gapWords(gap, zone)}</span>}
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
      {candle.coverage !== null && candle.coverage < 1 && (
        <span className="text-delayed" title="Trades that we hold over those that the market's ids say there were">
          coverage {formatShare(candle.coverage)}
        </span>
      )}
      {candle.is_partial && <span className="text-delayed">partial: our stream began in this bar</span>}
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
