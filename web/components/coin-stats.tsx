"use client";
/** The figures beside the chart: the snapshot, every source's price, every market. */
import type { ReactNode } from "react";
import type { CoinDetail, CoinMarket, SourcePrice } from "@/lib/api/types";
import { formatMarket, formatPrice, formatSource } from "@/lib/format";
import { provenanceText } from "@/lib/provenance";
import { snapshotProvenance, whyNoFigure } from "@/lib/rows";
import { Age, Change, Compact, Missing, Moment } from "./figures";
import { usePlatform } from "./platform";

export function CoinStats({ coin }: { coin: CoinDetail }) {
  return (
    <div className="grid content-start gap-4 md:grid-cols-2 xl:grid-cols-1">
      <Snapshot coin={coin} />
      <div className="grid content-start gap-4">
        <Sources sources={coin.sources} />
        <Markets markets={coin.markets} />
      </div>
    </div>
  );
}

function Section({ title, note, children }: { title: string; note?: ReactNode; children: ReactNode }) {
  return (
    <section className="panel text-[13px]">
      <header className="flex h-9 items-center justify-between border-b border-line px-3">
        <h2 className="font-semibold">{title}</h2>
        {note && <span className="label">{note}</span>}
      </header>
      {children}
    </section>
  );
}

function Line({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex h-7 items-center justify-between gap-3 px-3">
      <dt className="text-ink-2">{name}</dt>
      <dd className="num">{children}</dd>
    </div>
  );
}

function Price({ price, why }: { price: number | null; why: string }) {
  return price === null ? <Missing why={why} /> : <>{formatPrice(price)}</>;
}

function Snapshot({ coin }: { coin: CoinDetail }) {
  const { zone } = usePlatform();
  const why = (figure: string): string => whyNoFigure(coin, figure);
  const ticker = coin.symbol.toUpperCase();
  const age = <Age of={coin.observed_at} why={why("snapshot")} />;
  return (
    <Section title="Figures" note={<>{formatSource(coin.source)} · {age}</>}>
      <dl
        className={`py-1.5 ${coin.is_stale ? "stale-figures" : ""}`}
        title={coin.observed_at === null ? undefined : provenanceText(snapshotProvenance(coin), zone)}
      >
        <Line name="Market cap"><Compact sum={coin.market_cap_usd} unit="USD" why={why("market cap")} /></Line>
        <Line name="Market cap, 24 h"><Change percent={coin.market_cap_change_24h_pct} why={why("change of the market cap")} /></Line>
        <Line name="Fully diluted"><Compact sum={coin.fully_diluted_valuation_usd} unit="USD" why={why("fully diluted valuation")} /></Line>
        <Line name="Volume, 24 h"><Compact sum={coin.volume_24h_usd} unit="USD" why={why("volume")} /></Line>
        <Line name="High, 24 h"><Price price={coin.high_24h_usd} why={why("high")} /></Line>
        <Line name="Low, 24 h"><Price price={coin.low_24h_usd} why={why("low")} /></Line>
        <Line name="Circulating supply"><Compact sum={coin.circulating_supply} unit={ticker} why={why("circulating supply")} /></Line>
        <Line name="Total supply"><Compact sum={coin.total_supply} unit={ticker} why={why("total supply")} /></Line>
        <Line name="Maximum supply"><Compact sum={coin.max_supply} unit={ticker} why={why("maximum supply")} /></Line>
        <Line name="All-time high"><Extreme price={coin.ath_usd} at={coin.ath_at} why={why("all-time high")} /></Line>
        <Line name="All-time low"><Extreme price={coin.atl_usd} at={coin.atl_at} why={why("all-time low")} /></Line>
      </dl>
    </Section>
  );
}

function Extreme({ price, at, why }: { price: number | null; at: string | null; why: string }) {
  if (price === null) return <Missing why={why} />;
  return (
    <>
      {at !== null && <span className="unit mr-2 text-[12px]"><Moment at={at} style="date" /></span>}
      {formatPrice(price)}
    </>
  );
}

const HEAD = "h-7 px-3 text-[12px] font-normal text-ink-3";
const CELL = "h-7 px-3";

function Sources({ sources }: { sources: readonly SourcePrice[] }) {
  return (
    <Section title="Price by source" note="USD">
      <table className="w-full">
        <thead className="sr-only">
          <tr><th>Source</th><th>Price</th><th>Age</th></tr>
        </thead>
        <tbody>
          {sources.map((one) => (
            <tr key={one.source}>
              <td className={CELL}>{formatSource(one.source)}</td>
              <td className={`${CELL} num`}>
                <span className={one.is_stale ? "stale" : ""}>
                  <Price price={one.price_usd} why={`${formatSource(one.source)} gave no price`} />
                </span>
              </td>
              <td className={`${CELL} num w-16 text-ink-3`}><Age of={one.observed_at} why="" /></td>
            </tr>
          ))}
          {sources.length === 0 && (
            <tr><td className={`${CELL} text-ink-2`}>No source has given a price yet.</td></tr>
          )}
        </tbody>
      </table>
    </Section>
  );
}

function Markets({ markets }: { markets: readonly CoinMarket[] }) {
  return (
    <Section title="Markets" note={markets.length === 0 ? undefined : "last price in the quote"}>
      <table className="w-full">
        {markets.length > 0 && (
          <thead>
            <tr>
              <th className={`${HEAD} text-left`}>Market</th>
              <th className={`${HEAD} num`}>Last</th>
              <th className={`${HEAD} num w-16`}>Age</th>
            </tr>
          </thead>
        )}
        <tbody>
          {markets.map((market) => (
            <tr key={`${market.source} ${market.symbol}`}>
              <td className={CELL}>
                <span title={formatMarket(market)}>{market.symbol}</span>
                {market.is_main && <span className="ml-2 text-[11px] text-accent">main</span>}
              </td>
              <td className={`${CELL} num`}>
                <span className={market.is_stale ? "stale" : ""}>
                  <Price price={market.last_price} why="No trade has arrived yet" />
                </span>
              </td>
              <td className={`${CELL} num text-ink-3`}>
                <Age of={market.last_traded_at} why="No trade has arrived yet" />
              </td>
            </tr>
          ))}
          {markets.length === 0 && (
            <tr><td className={`${CELL} py-2 text-ink-2`}>No exchange market of this coin is collected.</td></tr>
          )}
        </tbody>
      </table>
    </Section>
  );
}
