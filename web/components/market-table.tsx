"use client";
/** All coins, live. The server draws the first rows; then only rows that changed are drawn again. */
import Link from "next/link";
import { useRouter, useSearchParams } from "next/navigation";
import { memo, type MouseEvent, type ReactNode, useMemo, useState } from "react";
import { arrangeRows, firstOrder, type MarketState, marketUrl, parseMarketState, type SortKey } from "@/app/market-state";
import { COINS } from "@/lib/api/paths";
import type { Answer, CoinRow, Envelope } from "@/lib/api/types";
import { formatCount, formatSource, type Zone } from "@/lib/format";
import { useLive } from "@/lib/live";
import { provenanceText } from "@/lib/provenance";
import { isSameRow, lostRow, priceProvenance, snapshotProvenance, whyNoFigure, whyNoPrice } from "@/lib/rows";
import { Failure } from "./failure";
import { Age, Change, Compact, FlashPrice, Missing } from "./figures";
import { usePlatform } from "./platform";

const PRICES_EVERY_MS = 1_000;

interface Props {
  initial: Answer<Envelope<CoinRow[]>>;
  /** Stands between the heading and the table. */
  strip: ReactNode;
}

export function MarketTable({ initial, strip }: Props) {
  const live = useLive(COINS, PRICES_EVERY_MS, initial);
  const query = useSearchParams();
  const state = useMemo(() => parseMarketState(new URLSearchParams(query)), [query]);
  const { answer, isLost } = live;
  const rows = useMemo(() => (isLost ? answer?.data.map(lostRow) : answer?.data), [answer, isLost]);
  const shown = useMemo(() => arrangeRows(rows ?? [], state), [rows, state]);

  return (
    <>
      <div className="mb-3 flex flex-wrap items-end gap-x-4 gap-y-2">
        <h1 className="text-[20px] leading-7 font-semibold tracking-tight">Market</h1>
        {rows && <Summary rows={rows} />}
        <SearchField state={state} />
      </div>
      {strip}
      {!rows && live.error ? (
        <Failure
          what="The market table could not be loaded"
          problem={live.error}
          hint="It appears here by itself as soon as that changes."
        />
      ) : (
        <Table rows={shown} state={state} isEmpty={rows?.length === 0} />
      )}
    </>
  );
}

function Summary({ rows }: { rows: readonly CoinRow[] }) {
  const priced = rows.filter((row) => row.price_usd !== null);
  const traded = priced.filter((row) => row.price_market !== null).length;
  return (
    <p className="label pb-0.5">
      {formatCount(rows.length)} coins · {formatCount(traded)} priced by their last trade ·{" "}
      {formatCount(priced.length - traded)} by snapshot
    </p>
  );
}

function replaceState(state: MarketState): void {
  window.history.replaceState(null, "", marketUrl(state));
}

function SearchField({ state }: { state: MarketState }) {
  // Typing is faster than the address changes, so the field holds its own text.
  const [typed, setTyped] = useState(state.search);
  const search = (text: string): void => {
    setTyped(text);
    replaceState({ ...state, search: text });
  };
  return (
    <label className="relative ml-auto w-full sm:w-64">
      <span className="sr-only">Search coins</span>
      <input
        type="search"
        data-search=""
        className="field w-full"
        placeholder="Search coins"
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => search(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            search("");
            event.currentTarget.blur();
          }
          if (event.key === "Enter" || event.key === "ArrowDown") {
            document.querySelector<HTMLElement>("[data-row]")?.focus();
          }
        }}
      />
      {typed === "" && (
        <kbd className="kbd pointer-events-none absolute top-[5px] right-1.5 hidden sm:block">/</kbd>
      )}
    </label>
  );
}

interface Column {
  key: SortKey | null;
  label: string;
  hint?: string;
  className: string;
}

const COLUMNS: readonly Column[] = [
  { key: "market_cap_rank", label: "#", hint: "Rank by market cap", className: "num w-12 hidden sm:table-cell" },
  { key: "name", label: "Coin", className: "text-left" },
  { key: "price_usd", label: "Price, USD", hint: "Last trade of the coin's main market, else CoinGecko's price", className: "num" },
  { key: null, label: "Source", hint: "Who says the price", className: "w-28 text-left hidden md:table-cell" },
  { key: "change_1h_pct", label: "1 h", className: "num hidden md:table-cell" },
  { key: "change_24h_pct", label: "24 h", className: "num" },
  { key: "change_7d_pct", label: "7 d", className: "num hidden md:table-cell" },
  { key: "market_cap_usd", label: "Market cap, USD", className: "num hidden lg:table-cell" },
  { key: "volume_24h_usd", label: "Volume 24 h, USD", className: "num hidden sm:table-cell" },
  { key: null, label: "Age", hint: "How old the price is", className: "num w-20 hidden sm:table-cell" },
];

function Table({ rows, state, isEmpty }: { rows: CoinRow[]; state: MarketState; isEmpty: boolean }) {
  return (
    <div className="panel">
      <table className="market-table">
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <th
                key={column.label}
                scope="col"
                title={column.hint}
                className={column.className}
                aria-sort={column.key === state.sort ? (state.order === "asc" ? "ascending" : "descending") : undefined}
              >
                {column.key === null ? column.label : <SortButton column={column.key} label={column.label} state={state} />}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.coin_id} row={row} />
          ))}
          {rows.length === 0 && (
            <tr className="!cursor-default">
              <td colSpan={COLUMNS.length} className="!h-24 text-center text-ink-2">
                {isEmpty
                  ? "No coins yet. The first snapshot usually arrives within a minute of the start."
                  : `No coin is called “${state.search}”.`}
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

function SortButton({ column, label, state }: { column: SortKey; label: string; state: MarketState }) {
  const isSorted = state.sort === column;
  const turned = state.order === "asc" ? "desc" : "asc";
  const order = isSorted ? turned : firstOrder(column);
  return (
    <button
      type="button"
      className={`-mx-1 px-1 hover:text-ink ${isSorted ? "text-ink" : ""}`}
      onClick={() => replaceState({ ...state, sort: column, order })}
    >
      {label}
      {isSorted && <span aria-hidden="true">{state.order === "asc" ? " ↑" : " ↓"}</span>}
    </button>
  );
}

const Row = memo(
  function Row({ row }: { row: CoinRow }) {
    const { zone } = usePlatform();
    const router = useRouter();
    const href = `/coins/${encodeURIComponent(row.coin_id)}`;
    const open = (event: MouseEvent): void => {
      const isLink = event.target instanceof Element && event.target.closest("a") !== null;
      if (!isLink && !window.getSelection()?.toString()) router.push(href);
    };
    return (
      <tr onClick={open}>
        <td className="num hidden text-ink-3 sm:table-cell">
          {row.market_cap_rank ?? <Missing why={whyNoFigure(row, "rank")} />}
        </td>
        <td className="max-w-40 truncate">
          <Link href={href} data-row="" prefetch={false} className="font-medium">
            {row.name} <span className="ml-1 font-normal text-ink-3">{row.symbol.toUpperCase()}</span>
          </Link>
        </td>
        <PriceCells row={row} zone={zone} />
        <FigureCells row={row} zone={zone} />
        <td className="num hidden text-ink-2 sm:table-cell">
          <Age of={row.price_observed_at} why={whyNoPrice(row)} />
        </td>
      </tr>
    );
  },
  (before, after) => isSameRow(before.row, after.row),
);

function PriceCells({ row, zone }: { row: CoinRow; zone: Zone }) {
  const title = row.price_usd === null ? undefined : provenanceText(priceProvenance(row), zone);
  return (
    <>
      <td
        className="num"
        data-testid={`price-${row.coin_id}`}
        data-value={row.price_usd ?? ""}
        data-observed-at={row.price_observed_at ?? ""}
        title={title}
      >
        <FlashPrice price={row.price_usd} isStale={row.price_is_stale} why={whyNoPrice(row)} isAligned />
      </td>
      <td className="hidden text-[12px] text-ink-3 md:table-cell" title={title}>
        {row.price_source === null ? <Missing why={whyNoPrice(row)} /> : formatSource(row.price_source)}
      </td>
    </>
  );
}

function FigureCells({ row, zone }: { row: CoinRow; zone: Zone }) {
  const title = row.observed_at === null ? undefined : provenanceText(snapshotProvenance(row), zone);
  const stale = row.is_stale ? "stale" : "";
  return (
    <>
      <td className={`num hidden md:table-cell ${stale}`} title={title}>
        <Change percent={row.change_1h_pct} why={whyNoFigure(row, "change over 1 h")} />
      </td>
      <td className={`num ${stale}`} title={title}>
        <Change percent={row.change_24h_pct} why={whyNoFigure(row, "change over 24 h")} />
      </td>
      <td className={`num hidden md:table-cell ${stale}`} title={title}>
        <Change percent={row.change_7d_pct} why={whyNoFigure(row, "change over 7 d")} />
      </td>
      <td className={`num hidden lg:table-cell ${stale}`} title={title}>
        <Compact sum={row.market_cap_usd} why={whyNoFigure(row, "market cap")} />
      </td>
      <td className={`num hidden sm:table-cell ${stale}`} title={title}>
        <Compact sum={row.volume_24h_usd} why={whyNoFigure(row, "volume")} />
      </td>
    </>
  );
}
