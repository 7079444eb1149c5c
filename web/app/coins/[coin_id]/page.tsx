import type { Metadata } from "next";
import { notFound, redirect } from "next/navigation";
import { cache } from "react";
import { type Chart, CoinView } from "@/components/coin-view";
import { PageFailure } from "@/components/page-failure";
import { getOnServer } from "@/lib/api/get";
import { candlesPath, coinPath, historyPath } from "@/lib/api/paths";
import { toMs } from "@/lib/format";
import { firstValues } from "@/lib/query";
import { serverHealth } from "@/lib/server-answers";
import { chartUrl, HISTORY_INTERVAL, historyUrl, parseChartState, parseHistoryRange, type Range, RANGE_MS } from "./chart-state";

const coinAnswer = cache((coinId: string) => getOnServer(coinPath(coinId)));

type Props = PageProps<"/coins/[coin_id]">;

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const answer = await coinAnswer(decodeURIComponent((await params).coin_id));
  return { title: answer.ok ? `${answer.body.data.name} (${answer.body.data.symbol.toUpperCase()})` : "Coin" };
}

/** An address that says more than it means, or nonsense, is not kept. */
function cleanAddress(url: string, query: URLSearchParams): void {
  if (new URLSearchParams(url.split("?")[1]).toString() !== query.toString()) redirect(url);
}

/** The candles of a market; a line of snapshots where no market of the coin is followed. */
async function chartOf(coinId: string, symbols: readonly string[], query: URLSearchParams): Promise<Chart> {
  const asked = parseChartState(query);
  const state = { ...asked, market: symbols.find((symbol) => symbol === asked.market) ?? null };
  if (symbols.length > 0) cleanAddress(chartUrl(coinId, state), query);
  const health = await serverHealth();
  const nowMs = health.ok ? toMs(health.body.data.clock.now) : null;
  const from = (range: Range): number | null => (nowMs === null ? null : nowMs - RANGE_MS[range]);

  const fromMs = from(state.range);
  const candles = await getOnServer(candlesPath({ coinId, symbol: state.market, interval: state.interval, fromMs }));
  const isUntraded = !candles.ok && candles.problem.status === 404;
  if (!isUntraded) return { kind: "candles", state, fromMs, initial: candles };

  const range = parseHistoryRange(query);
  cleanAddress(historyUrl(coinId, range), query);
  const line = { coinId, interval: HISTORY_INTERVAL[range], fromMs: from(range) };
  return { kind: "history", range, fromMs: line.fromMs, initial: await getOnServer(historyPath(line)) };
}

export default async function CoinPage({ params, searchParams }: Props) {
  const coinId = decodeURIComponent((await params).coin_id);
  const coin = await coinAnswer(coinId);
  if (!coin.ok && coin.problem.status === 404) notFound();
  if (!coin.ok) {
    return <PageFailure what={`The page of ${coinId} could not be loaded`} path={coinPath(coinId)} failed={coin} />;
  }
  const symbols = coin.body.data.markets.map((market) => market.symbol);
  const chart = await chartOf(coinId, symbols, firstValues(await searchParams));
  return <CoinView coin={coin} chart={chart} coinId={coinId} />;
}
