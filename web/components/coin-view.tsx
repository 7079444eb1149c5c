"use client";
/** A coin: its price and where it comes from, the chart of a market, and every figure we hold. */
import Link from "next/link";
import { anomaliesUrl, NEWEST } from "@/app/anomalies/anomalies-state";
import type { ChartState, HistoryRange } from "@/app/coins/[coin_id]/chart-state";
import { coinPath } from "@/lib/api/paths";
import type { Answer, Candles, CoinDetail, Envelope, History } from "@/lib/api/types";
import { formatSource } from "@/lib/format";
import { useLive } from "@/lib/live";
import { provenanceText } from "@/lib/provenance";
import { lostCoin, priceProvenance, snapshotProvenance, whyNoFigure, whyNoPrice } from "@/lib/rows";
import { ChartPanel } from "./chart-panel";
import { CoinStats } from "./coin-stats";
import { Age, Change, FlashPrice } from "./figures";
import { HistoryPanel } from "./history-panel";
import { usePlatform } from "./platform";

const COIN_EVERY_MS = 1_000;

export type Chart =
  | { kind: "candles"; state: ChartState; fromMs: number | null; initial: Answer<Candles> }
  | { kind: "history"; range: HistoryRange; fromMs: number | null; initial: Answer<History> };

interface Props {
  coinId: string;
  coin: Answer<Envelope<CoinDetail>>;
  chart: Chart;
}

export function CoinView({ coinId, coin: initial, chart }: Props) {
  const { answer, isLost } = useLive(coinPath(coinId), COIN_EVERY_MS, initial);
  if (!answer) return null;
  const coin = isLost ? lostCoin(answer.data) : answer.data;
  return (
    <>
      <CoinHeader coin={coin} />
      <div className="grid gap-4 xl:grid-cols-[minmax(0,1fr)_340px]">
        <ChartOf coin={coin} chart={chart} />
        <CoinStats coin={coin} />
      </div>
    </>
  );
}

/** Keyed by all that makes another chart: it is another feed, and nothing of the old one may stay. */
function ChartOf({ coin, chart }: { coin: CoinDetail; chart: Chart }) {
  if (chart.kind === "history") {
    const { range, fromMs, initial } = chart;
    return <HistoryPanel key={`${coin.coin_id} ${range}`} coin={coin} range={range} fromMs={fromMs} initial={initial} />;
  }
  const { state, fromMs, initial } = chart;
  const key = `${coin.coin_id} ${state.market} ${state.interval} ${state.range}`;
  return <ChartPanel key={key} coin={coin} chart={state} fromMs={fromMs} initial={initial} />;
}

function CoinHeader({ coin }: { coin: CoinDetail }) {
  const { zone } = usePlatform();
  const origin = coin.price_usd === null ? undefined : provenanceText(priceProvenance(coin), zone);
  return (
    <div className="mb-4 flex flex-wrap items-end gap-x-8 gap-y-3">
      <div>
        <p className="label mb-0.5">
          <Link href="/" className="hover:text-ink">Market</Link> <span aria-hidden="true">/</span>{" "}
          {coin.market_cap_rank === null ? "no rank" : `rank ${coin.market_cap_rank}`}{" "}
          <span aria-hidden="true">·</span>{" "}
          <Link href={anomaliesUrl({ ...NEWEST, coin: coin.coin_id })} className="hover:text-ink">anomalies</Link>
        </p>
        <h1 className="text-[20px] leading-7 font-semibold tracking-tight">
          {coin.name} <span className="ml-1 font-normal text-ink-3">{coin.symbol.toUpperCase()}</span>
        </h1>
      </div>
      <div title={origin}>
        <p
          className="text-[28px] leading-8 font-semibold tracking-tight"
          data-testid={`price-${coin.coin_id}`}
          data-value={coin.price_usd ?? ""}
          data-observed-at={coin.price_observed_at ?? ""}
        >
          <FlashPrice price={coin.price_usd} isStale={coin.price_is_stale} why={whyNoPrice(coin)} />
          <span className="unit ml-1.5 text-[14px] font-normal">USD</span>
        </p>
        <p className="label">
          {formatSource(coin.price_source)}
          {coin.price_market ? ` ${coin.price_market}, last trade ` : " snapshot "}
          {coin.price_observed_at !== null && <><Age of={coin.price_observed_at} why="" /> ago</>}
          {coin.price_is_stale && <span className="text-stale"> · stale</span>}
        </p>
      </div>
      <Changes coin={coin} />
    </div>
  );
}

function Changes({ coin }: { coin: CoinDetail }) {
  const { zone } = usePlatform();
  const spans = [
    ["1 h", coin.change_1h_pct],
    ["24 h", coin.change_24h_pct],
    ["7 d", coin.change_7d_pct],
  ] as const;
  return (
    <dl className="flex gap-6 text-[13px]" title={provenanceText(snapshotProvenance(coin), zone)}>
      {spans.map(([span, percent]) => (
        <div key={span}>
          <dt className="label">{span}</dt>
          <dd className={coin.is_stale ? "stale" : ""}>
            <Change percent={percent} why={whyNoFigure(coin, `change over ${span}`)} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
