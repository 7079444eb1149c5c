"use client";
/** Episodes of anomalies, newest first; the newest page is live, an older one stands still. */
import Link from "next/link";
import {
  type AnomaliesState,
  anomaliesQuery,
  anomaliesUrl,
  KIND_NAMES,
  KINDS,
  NEWEST,
  olderPage,
  SEVERITIES,
  SEVERITY_NAMES,
} from "@/app/anomalies/anomalies-state";
import { PHASE_NAMES, subjectOf } from "@/lib/anomaly";
import { anomaliesPath } from "@/lib/api/paths";
import type { Anomaly, Answer, Envelope } from "@/lib/api/types";
import { formatSource, toMs } from "@/lib/format";
import { useLive } from "@/lib/live";
import { Segments } from "./chart-frame";
import { Amount, SeverityWord } from "./anomaly-figures";
import { Failure } from "./failure";
import { Age, Moment } from "./figures";

const EPISODES_EVERY_MS = 2_000;
const COLUMNS = [
  ["Began", "text-left w-24 sm:w-44"],
  ["Kind", "text-left w-28 hidden sm:table-cell"],
  ["About", "text-left w-52 hidden md:table-cell"],
  ["Severity", "text-left w-24 hidden sm:table-cell"],
  ["What happened", "text-left"],
  ["Peak", "num w-32 hidden lg:table-cell"],
  ["State", "text-left w-32 hidden sm:table-cell"],
] as const;

interface Props {
  state: AnomaliesState;
  initial: Answer<Envelope<Anomaly[]>>;
}

export function AnomalyList({ state, initial }: Props) {
  const { answer, error, isLost } = useLive(anomaliesPath(anomaliesQuery(state)), EPISODES_EVERY_MS, initial);
  const older = olderPage(state, answer?.meta.next ?? null);
  return (
    <>
      <div className="mb-3 flex flex-wrap items-end gap-x-4 gap-y-2">
        <h1 className="text-[20px] leading-7 font-semibold tracking-tight">Anomalies</h1>
        <Note isOld={isLost || (answer?.meta.is_stale ?? false)} coin={state.coin} />
      </div>
      <Pickers state={state} />
      {!answer && error ? (
        <Failure
          what="The anomalies could not be loaded"
          problem={error}
          hint="They appear here by themselves as soon as that changes."
        />
      ) : (
        <Table rows={answer?.data ?? []} />
      )}
      <nav className="mt-3 flex gap-4 text-[13px]" aria-label="Pages">
        {state.page !== null && <Link href={anomaliesUrl({ ...state, page: null })}>Newest</Link>}
        {older && <Link href={anomaliesUrl(older)}>Older</Link>}
      </nav>
    </>
  );
}

function Note({ isOld, coin }: { isOld: boolean; coin: string | null }) {
  return (
    <p className="label pb-0.5">
      {coin === null ? "All coins" : <>Only {coin} · <Link href={anomaliesUrl(NEWEST)}>all coins</Link></>}
      {isOld && <span className="text-stale"> · no fresh trades arrive, so nothing new can be found</span>}
    </p>
  );
}

function Pickers({ state }: { state: AnomaliesState }) {
  const pick = (label: string, chosen: Partial<AnomaliesState>, isCurrent: boolean) => ({
    label,
    href: anomaliesUrl({ ...state, page: null, ...chosen }),
    isCurrent,
    whyNot: null,
  });
  return (
    <div className="mb-3 flex flex-wrap gap-2 [&>*]:max-w-full [&>*]:overflow-x-auto [&>*>*]:shrink-0 [&>*>*]:whitespace-nowrap">
      <Segments
        name="Kind"
        segments={[
          pick("All kinds", { kind: null }, state.kind === null),
          ...KINDS.map((kind) => pick(KIND_NAMES[kind], { kind }, state.kind === kind)),
        ]}
      />
      <Segments
        name="Severity"
        segments={[
          pick("Any severity", { severity: null }, state.severity === null),
          ...SEVERITIES.map((one) => pick(SEVERITY_NAMES[one], { severity: one }, state.severity === one)),
        ]}
      />
    </div>
  );
}

function Table({ rows }: { rows: readonly Anomaly[] }) {
  return (
    <div className="panel">
      <table className="market-table">
        <thead>
          <tr>
            {COLUMNS.map(([label, className]) => (
              <th key={label} scope="col" className={className}>{label}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => <Row key={row.anomaly_id} row={row} />)}
          {rows.length === 0 && (
            <tr className="!cursor-default">
              <td colSpan={COLUMNS.length} className="!h-24 text-center text-ink-2">
                No anomaly of this sort in the last seven days.
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row }: { row: Anomaly }) {
  const href = `/anomalies/${row.anomaly_id}`;
  return (
    <tr className="!cursor-default" data-testid={`anomaly-${row.anomaly_id}`}>
      <td className="whitespace-nowrap">
        <span className="hidden sm:inline"><Moment at={row.started_at} style="dateTime" /></span>
        <span className="sm:hidden"><Moment at={row.started_at} style="time" /></span>
      </td>
      <td className="hidden whitespace-nowrap sm:table-cell">{KIND_NAMES[row.kind]}</td>
      <td className="hidden max-w-52 truncate md:table-cell" title={formatSource(row.source)}>
        {row.coin_id === null ? (
          subjectOf(row)
        ) : (
          <Link href={`/coins/${encodeURIComponent(row.coin_id)}`} prefetch={false}>{subjectOf(row)}</Link>
        )}
      </td>
      <td className="hidden sm:table-cell"><SeverityWord severity={row.severity} /></td>
      <td className="!py-2">
        <p className="label sm:hidden">
          {KIND_NAMES[row.kind]} · <SeverityWord severity={row.severity} /> · {PHASE_NAMES[row.phase]}
        </p>
        <Link href={href} data-row="" prefetch={false}>{row.sentence}</Link>
      </td>
      <td className="num hidden lg:table-cell"><Amount amount={row.peak_value} unit={row.unit} /></td>
      <td className="hidden whitespace-nowrap text-ink-2 sm:table-cell">
        {PHASE_NAMES[row.phase]}
        {toMs(row.resolved_at) === null && <> · <Age of={row.started_at} why="" /></>}
      </td>
    </tr>
  );
}
