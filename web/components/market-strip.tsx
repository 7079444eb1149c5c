"use client";
/** The whole market in one line: totals as a source counts them, and what the followed coins did together. */
import type { ReactNode } from "react";
import { GLOBAL } from "@/lib/api/paths";
import type { Answer, CrossSection, Envelope, GlobalMarket } from "@/lib/api/types";
import { formatCompact, formatCount, formatNumber, formatSource, formatTime, type Zone, zoneLabel } from "@/lib/format";
import { useLive } from "@/lib/live";
import { provenanceText } from "@/lib/provenance";
import { Change, Compact, Missing } from "./figures";
import { usePlatform } from "./platform";

const GLOBAL_EVERY_MS = 5_000;
/** The bars that the strip shows, the longer one first. */
const BARS = ["1h", "1m"] as const;

export function MarketStrip({ initial }: { initial: Answer<Envelope<GlobalMarket>> }) {
  const { answer, error, isLost } = useLive(GLOBAL, GLOBAL_EVERY_MS, initial);
  const nothing = error ? `${error.title}. ${error.detail}` : "Not known yet";
  const sections = answer?.data.cross_sections ?? [];
  const areBarsOld = isLost || (answer?.meta.is_stale ?? false);
  return (
    <dl className="panel mb-3 grid grid-cols-2 gap-x-6 gap-y-2 px-3 py-2 text-[13px] sm:flex sm:flex-wrap" data-testid="market-strip">
      <Totals totals={answer?.data.totals ?? null} nothing={answer ? "No totals of the market have arrived yet" : nothing} isLost={isLost} />
      {BAR_FIGURES.map((figure) => (
        <Item key={figure.name} name={figure.name} isOld={areBarsOld}>
          {BARS.map((interval) => (
            <BarFigure key={interval} figure={figure} interval={interval} sections={sections} nothing={answer ? null : nothing} />
          ))}
        </Item>
      ))}
    </dl>
  );
}

interface ItemProps {
  name: string;
  isOld: boolean;
  title?: string | undefined;
  children: ReactNode;
}

function Item({ name, isOld, title, children }: ItemProps) {
  return (
    <div title={title}>
      <dt className="label">{name}</dt>
      <dd className={`flex flex-wrap gap-x-3 ${isOld ? "stale" : ""}`}>{children}</dd>
    </div>
  );
}

interface TotalsProps {
  totals: GlobalMarket["totals"];
  nothing: string;
  isLost: boolean;
}

function Totals({ totals, nothing, isLost }: TotalsProps) {
  const { zone } = usePlatform();
  const why = (figure: string): string => (totals ? `${formatSource(totals.source)} gives no ${figure}` : nothing);
  const isOld = isLost || (totals?.is_stale ?? false);
  const title = totals
    ? provenanceText(
        { source: totals.source, what: "totals", observedAt: totals.observed_at, collectedAt: totals.collected_at },
        zone,
      )
    : undefined;
  const dominance = totals?.btc_dominance_pct ?? null;
  return (
    <>
      <Item name="Market cap, 24 h" isOld={isOld} title={title}>
        <Compact sum={totals?.market_cap_usd ?? null} unit="USD" why={why("market cap")} />
        {totals && <Change percent={totals.market_cap_change_24h_pct} why={why("change of the market cap")} />}
      </Item>
      <Item name="BTC dominance" isOld={isOld} title={title}>
        {dominance === null ? <Missing why={why("dominance")} /> : `${formatNumber(dominance, 1)} %`}
      </Item>
    </>
  );
}

type PercentField = "breadth_pct" | "btc_volume_share_pct" | "weighted_return_pct";

interface BarFigureFacts {
  name: string;
  field: PercentField;
  /** What stands behind it. */
  about: (section: CrossSection) => string;
}

const BAR_FIGURES: readonly BarFigureFacts[] = [
  {
    name: "Breadth",
    field: "breadth_pct",
    about: ({ advancing, declining, coins }) =>
      `${formatCount(advancing)} of ${formatCount(coins)} coins advanced, ${formatCount(declining)} declined`,
  },
  {
    name: "BTC volume share",
    field: "btc_volume_share_pct",
    about: ({ quote_volume_usd }) => `Of ${formatCompact(quote_volume_usd)} USD traded in the followed markets`,
  },
  {
    name: "Index, volume-weighted",
    field: "weighted_return_pct",
    about: ({ coins }) => `Mean change of ${formatCount(coins)} coins, weighted by their volume in USD`,
  },
];

interface BarFigureProps {
  figure: BarFigureFacts;
  interval: (typeof BARS)[number];
  sections: readonly CrossSection[];
  /** Why nothing at all is known; null when something is. */
  nothing: string | null;
}

function BarFigure({ figure, interval, sections, nothing }: BarFigureProps) {
  const { zone } = usePlatform();
  const section = sections.find((one) => one.interval === interval);
  const percent = section?.[figure.field] ?? null;
  const why = section ? "Nothing was traded that could tell it" : (nothing ?? `No bar of ${interval} has closed yet`);
  return (
    <span title={section && `${figure.about(section)}\n${barWords(section, zone)}`} data-figure={`${figure.field} ${interval}`}>
      {figure.field === "weighted_return_pct" ? (
        <Change percent={percent} why={why} />
      ) : percent === null ? (
        <Missing why={why} />
      ) : (
        `${formatNumber(percent, 1)} %`
      )}{" "}
      <span className="unit text-[12px]">{interval}</span>
    </span>
  );
}

function barWords({ interval, open_time }: CrossSection, zone: Zone): string {
  return `Bar of ${interval} from ${formatTime(open_time, zone, "dateMinute")} ${zoneLabel(zone)}`;
}
