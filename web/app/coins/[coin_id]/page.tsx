import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { cache } from "react";
import { CoinView } from "@/components/coin-view";
import { Failure } from "@/components/failure";
import { getOnServer } from "@/lib/api/get";
import { candlesPath, coinPath } from "@/lib/api/paths";
import { toMs } from "@/lib/format";
import { serverHealth } from "@/lib/server-answers";
import { parseChartState, RANGE_MS } from "./chart-state";

const coinAnswer = cache((coinId: string) => getOnServer(coinPath(coinId)));

type Props = PageProps<"/coins/[coin_id]">;

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const answer = await coinAnswer(decodeURIComponent((await params).coin_id));
  return { title: answer.ok ? `${answer.body.data.name} (${answer.body.data.symbol.toUpperCase()})` : "Coin" };
}

function firstValues(query: Record<string, string | string[] | undefined>): URLSearchParams {
  const pairs = Object.entries(query).flatMap(([key, found]) => {
    const first = Array.isArray(found) ? found[0] : found;
    return first === undefined ? [] : [[key, first]];
  });
  return new URLSearchParams(pairs);
}

export default async function CoinPage({ params, searchParams }: Props) {
  const coinId = decodeURIComponent((await params).coin_id);
  const state = parseChartState(firstValues(await searchParams));
  const [coin, health] = await Promise.all([coinAnswer(coinId), serverHealth()]);
  if (!coin.ok && coin.problem.status === 404) notFound();
  if (!coin.ok) {
    return (
      <Failure
        what={`The page of ${coinId} could not be loaded`}
        problem={coin.problem}
        hint="Load it again in a moment. ./cryptoviz status says what runs."
      />
    );
  }
  const isKnown = coin.body.data.markets.some((market) => market.symbol === state.market);
  const chart = { ...state, market: isKnown ? state.market : null };
  const nowMs = health.ok ? toMs(health.body.data.clock.now) : null;
  const fromMs = nowMs === null ? null : nowMs - RANGE_MS[chart.range];
  const query = { coinId, symbol: chart.market, interval: chart.interval, fromMs };
  const candles = await getOnServer(candlesPath(query));
  return <CoinView coin={coin} candles={candles} chart={chart} coinId={coinId} />;
}
