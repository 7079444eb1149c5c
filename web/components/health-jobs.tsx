/** Queries of the Spark driver, and what was refused. Their times are real, also in a replay. */
import type { ReactNode } from "react";
import type { DeadLetters, Job } from "@/lib/api/types";
import { formatAge, formatCount, formatNumber } from "@/lib/format";
import { Missing } from "./figures";

const UNTOLD = "No micro-batch has told it yet";

export interface HealthColumn<Row> {
  label: string;
  hint?: string;
  className: string;
  cell: (row: Row) => ReactNode;
}

interface TableProps<Row> {
  columns: readonly HealthColumn<Row>[];
  rows: readonly Row[];
  nameOf: (row: Row) => string;
  nothing: string;
}

/** A plain table; its rows lead nowhere. */
export function HealthTable<Row>({ columns, rows, nameOf, nothing }: TableProps<Row>) {
  return (
    <table className="market-table health-table">
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.label} scope="col" title={column.hint} className={column.className}>
              {column.label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={nameOf(row)}>
            {columns.map((column) => (
              <td key={column.label} className={column.className}>
                {column.cell(row)}
              </td>
            ))}
          </tr>
        ))}
        {rows.length === 0 && (
          <tr>
            <td colSpan={columns.length} className="text-center text-ink-2">{nothing}</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

/** A number with its unit, or a dash that says why. */
export function Amount({ of, unit, decimals = 0, why }: { of: number | null; unit?: string; decimals?: number; why: string }) {
  if (of === null) return <Missing why={why} />;
  return (
    <>
      {formatNumber(of, decimals)}
      {unit && <span className="unit"> {unit}</span>}
    </>
  );
}

/** A word for a state; amber where somebody should look. */
export function StateWord({ word, isFine }: { word: string | null; isFine: boolean }) {
  if (word === null) return <Missing why="It has not said" />;
  return <span className={isFine ? "" : "text-delayed"}>{word}</span>;
}

const JOBS: readonly HealthColumn<Job>[] = [
  { label: "Job", className: "text-left font-medium", cell: (job) => job.job },
  {
    label: "State",
    className: "text-left",
    cell: (job) => <StateWord word={job.state} isFine={job.state === "running"} />,
  },
  {
    label: "Records",
    hint: "Read in the last minute",
    className: "num",
    cell: (job) => <Amount of={job.records_per_s} unit="/s" decimals={1} why={UNTOLD} />,
  },
  {
    label: "Lag",
    hint: "Records behind the ends of its topics",
    className: "num",
    cell: (job) => <Amount of={job.lag_records} why="Kafka has not told the ends of its topics" />,
  },
  {
    label: "Batch p50",
    className: "num hidden sm:table-cell",
    cell: (job) => <Amount of={job.batch_p50_ms} unit="ms" why="No micro-batch ended in the last minute" />,
  },
  {
    label: "p95",
    className: "num hidden sm:table-cell",
    cell: (job) => <Amount of={job.batch_p95_ms} unit="ms" why="No micro-batch ended in the last minute" />,
  },
  {
    label: "Watermark",
    hint: "How far it lies behind the platform's clock",
    className: "num hidden md:table-cell",
    cell: (job) => <Amount of={job.watermark_delay_s} unit="s" decimals={1} why="This job has no watermark" />,
  },
  {
    label: "Restarts",
    hint: "Since the driver began",
    className: "num hidden md:table-cell",
    cell: (job) => <Amount of={job.restarts} why={UNTOLD} />,
  },
  { label: "Age", className: "num text-ink-2", cell: (job) => formatAge(job.age_s * 1000) },
];

export function JobTable({ jobs }: { jobs: readonly Job[] }) {
  return <HealthTable columns={JOBS} rows={jobs} nameOf={(job) => job.job} nothing="No job has told of itself within an hour." />;
}

const LETTERS: readonly HealthColumn<DeadLetters>[] = [
  { label: "Topic", className: "text-left", cell: (one) => one.topic },
  { label: "Reason", className: "text-left", cell: (one) => one.reason.replaceAll("_", " ") },
  { label: "Letters", className: "num", cell: (one) => formatCount(one.letters_1h) },
];

export function DeadLetterTable({ letters }: { letters: readonly DeadLetters[] }) {
  return (
    <HealthTable
      columns={LETTERS}
      rows={letters}
      nameOf={(one) => `${one.topic} ${one.reason}`}
      nothing="Nothing was refused."
    />
  );
}
