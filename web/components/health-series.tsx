"use client";
/** What the sources say of themselves, how good the series are, and what is missing in them. */
import type { QualityRow, RecordedGap, SourceHealth } from "@/lib/api/types";
import { formatCount, formatNumber, formatSource } from "@/lib/format";
import { Age, Missing, Moment } from "./figures";
import { Amount, type HealthColumn, HealthTable, StateWord } from "./health-jobs";

const SOURCES: readonly HealthColumn<SourceHealth>[] = [
  { label: "Source", className: "text-left font-medium", cell: (one) => one.source },
  {
    label: "State",
    className: "text-left",
    cell: (one) => (
      <StateWord
        word={one.is_heard ? one.state : "not heard"}
        isFine={one.is_heard && (one.state === "running" || one.state === "done")}
      />
    ),
  },
  { label: "Why", className: "text-left text-ink-2", cell: (one) => one.reason ?? "" },
  {
    label: "Breaker",
    className: "text-left hidden md:table-cell",
    cell: (one) => <StateWord word={one.breaker?.replace("_", " ") ?? null} isFine={one.breaker === "closed"} />,
  },
  {
    label: "Records",
    hint: "In Kafka since the agent began",
    className: "num hidden sm:table-cell",
    cell: (one) => <Amount of={one.accepted} why="It has not said" />,
  },
  {
    label: "Refused",
    className: "num hidden sm:table-cell",
    cell: (one) => <Amount of={one.rejected} why="It has not said" />,
  },
  {
    label: "Calls left",
    hint: "Of the month's budget",
    className: "num hidden lg:table-cell",
    cell: (one) => <Amount of={one.month_calls_left} why="It has no budget" />,
  },
  {
    label: "Newest record",
    hint: "How old it is",
    className: "num hidden md:table-cell",
    cell: (one) => <Age of={one.last_event_at} why="It has brought nothing yet" />,
  },
  {
    label: "Heard",
    hint: "Its last heartbeat",
    className: "num text-ink-2",
    cell: (one) => <Age of={one.observed_at} why="Never" />,
  },
];

export function SourceTable({ sources }: { sources: readonly SourceHealth[] }) {
  return (
    <HealthTable
      columns={SOURCES}
      rows={sources}
      nameOf={(one) => one.source}
      nothing="No source has given a heartbeat within a day."
    />
  );
}

const PARTS = [
  ["Freshness", "freshness", "How old its newest number is"],
  ["Coverage", "coverage", "Trade ids held of the last hour"],
  ["Agreement", "agreement", "How far it is from the other quotes of the coin"],
  ["Source", "source_health", "What its agent says of itself"],
  ["Repairs", "repairs", "Gaps of the last hour"],
] as const;

const QUALITY: readonly HealthColumn<QualityRow>[] = [
  {
    label: "Series",
    className: "text-left font-medium",
    cell: (one) => (
      <>
        {one.symbol ?? one.coin_id} <span className="ml-1 font-normal text-ink-3">{formatSource(one.source)}</span>
      </>
    ),
  },
  {
    label: "Score",
    className: "num",
    cell: (one) => <span className={one.score < 80 ? "text-delayed" : ""}>{formatNumber(one.score, 0)}</span>,
  },
  { label: "Why", className: "text-left text-ink-2", cell: (one) => one.reason ?? "" },
  ...PARTS.map(
    ([label, name, hint]): HealthColumn<QualityRow> => ({
      label,
      hint,
      className: "num hidden lg:table-cell",
      cell: (one) =>
        one[name] === null ? <Missing why="It cannot be judged for this series" /> : formatNumber(one[name], 0),
    }),
  ),
  {
    label: "Age",
    hint: "Since the minute that is judged",
    className: "num text-ink-2",
    cell: (one) => (
      <span className={one.is_stale ? "stale" : ""}>
        <Age of={one.through} why="Never" />
      </span>
    ),
  },
];

export function QualityTable({ series }: { series: readonly QualityRow[] }) {
  return (
    <HealthTable
      columns={QUALITY}
      rows={series}
      nameOf={(one) => `${one.kind} ${one.source} ${one.symbol ?? one.coin_id}`}
      nothing="No series has been judged within an hour. The first is, some three minutes after the start."
    />
  );
}

const STATES: Record<string, string> = { open: "open", repaired: "repaired", upstream_missing: "not to be had" };

const GAPS: readonly HealthColumn<RecordedGap>[] = [
  { label: "Began", className: "text-left", cell: (one) => <Moment at={one.from} style="dateTime" /> },
  { label: "Market", className: "text-left", cell: (one) => `${formatSource(one.source)} ${one.symbol}` },
  {
    label: "State",
    className: "text-left",
    cell: (one) => <StateWord word={STATES[one.state] ?? one.state} isFine={one.state === "repaired"} />,
  },
  { label: "Cause", className: "text-left hidden sm:table-cell", cell: (one) => one.cause },
  { label: "Missing", className: "num", cell: (one) => formatCount(one.missing_trades) },
  { label: "Repaired", className: "num", cell: (one) => formatCount(one.repaired_trades) },
  { label: "Age", hint: "Since it reached this state", className: "num text-ink-2", cell: (one) => <Age of={one.observed_at} why="Never" /> },
];

export function GapTable({ gaps }: { gaps: readonly RecordedGap[] }) {
  return (
    <HealthTable
      columns={GAPS}
      rows={gaps}
      nameOf={(one) => `${one.source} ${one.symbol} ${one.from_id} ${one.to_id}`}
      nothing="No trades were missed."
    />
  );
}
