"use client";
/** The price of a coin that no market of ours trades: a line of its snapshots. */
import { useMemo, useState } from "react";
import { HISTORY_INTERVAL, HISTORY_RANGES, type HistoryRange, historyUrl, INTERVAL_MS, RANGE_MS } from "@/app/coins/[coin_id]/chart-state";
import type { Answer, CoinDetail, History } from "@/lib/api/types";
import { PriceLine } from "@/lib/chart/price-line";
import { type PriceSlot, priceSlots } from "@/lib/chart/price-points";
import { formatPrice, formatSource, formatTime } from "@/lib/format";
import { whyNoFigure } from "@/lib/rows";
import { useHistory } from "@/lib/use-history";
import { ChartCanvas } from "./chart-canvas";
import { ChartFrame, NothingToDraw, Segments } from "./chart-frame";
import { Compact } from "./figures";
import { usePlatform } from "./platform";

interface Props {
  coin: CoinDetail;
  range: HistoryRange;
  /** Where the range begins, milliseconds UTC; null when the platform's time is not known. */
  fromMs: number | null;
  initial: Answer<History>;
}

export function HistoryPanel({ coin, range, fromMs, initial }: Props) {
  const interval = HISTORY_INTERVAL[range];
  const { answer, error } = useHistory({ coinId: coin.coin_id, interval, fromMs }, RANGE_MS[range], initial);
  const slots = useMemo(() => priceSlots(answer?.data ?? [], INTERVAL_MS[interval]), [answer, interval]);
  const [pointedMs, setPointedMs] = useState<number | null>(null);
  const pointed = slots.find((slot) => slot.openMs === pointedMs) ?? slots.at(-1);
  const ranges = HISTORY_RANGES.map((one) => ({
    label: one,
    href: historyUrl(coin.coin_id, one),
    isCurrent: one === range,
    whyNot: null,
  }));

  return (
    <ChartFrame
      pickers={
        <>
          <p className="label px-1">Price in USD by snapshots; no exchange market of {coin.name} is collected</p>
          <Segments name="Range" segments={ranges} />
        </>
      }
      legend={<PointLegend coin={coin} slot={pointed} />}
      footnotes={
        <>
          <span>{formatSource(answer?.meta.source ?? coin.source)}, the last snapshot of every {interval}</span>
          {answer && error && <span className="text-delayed">{error.title}; the last points are shown</span>}
        </>
      }
    >
      {slots.length > 0 ? (
        <ChartCanvas
          Chart={PriceLine}
          view={slots}
          observedAt={answer?.meta.as_of ?? null}
          label={`Price of ${coin.name}, last ${range}`}
          onPoint={setPointedMs}
        />
      ) : error ? (
        <NothingToDraw what="The price history could not be loaded" why={`${error.title}. ${error.detail}`} />
      ) : (
        <NothingToDraw what="No price to draw" why={`No snapshot of ${coin.name} in the last ${range}.`} />
      )}
    </ChartFrame>
  );
}

/** The point under the crosshair, else the newest. */
function PointLegend({ coin, slot }: { coin: CoinDetail; slot: PriceSlot | undefined }) {
  const { zone } = usePlatform();
  const point = slot?.point;
  return (
    <div
      className="flex min-h-8 flex-wrap items-center gap-x-3 px-3 py-1.5 text-[12px]"
      data-testid="legend"
      data-close={point?.price_usd ?? ""}
    >
      {slot && <span className="text-ink-2">{formatTime(slot.openMs, zone, "dateMinute")}</span>}
      {point ? (
        <>
          <span><span className="unit">Price</span> {formatPrice(point.price_usd)}</span>
          <span><span className="unit">Cap</span> <Compact sum={point.market_cap_usd} why={whyNoFigure(coin, "market cap")} /></span>
          <span><span className="unit">Vol 24 h</span> <Compact sum={point.volume_24h_usd} why={whyNoFigure(coin, "volume")} /></span>
        </>
      ) : (
        slot && <span className="text-ink-2">No snapshot in this window</span>
      )}
    </div>
  );
}
