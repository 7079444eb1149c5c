"use client";
/** The Fear and Greed index: its newest value and a year of days. */
import { FEAR_GREED } from "@/lib/api/paths";
import type { Answer, Envelope, FearGreed, IndexValue } from "@/lib/api/types";
import { formatSource, toMs } from "@/lib/format";
import { useLive } from "@/lib/live";
import { Failure } from "./failure";
import { Moment } from "./figures";

const INDEX_EVERY_MS = 60_000;
const WIDTH = 1_000;
const HEIGHT = 240;
const DAY_MS = 86_400_000;
const LINES = [25, 50, 75] as const;

export function FearGreedView({ initial }: { initial: Answer<Envelope<FearGreed>> }) {
  const { answer, error } = useLive(FEAR_GREED, INDEX_EVERY_MS, initial);
  const now = answer?.data.now ?? null;
  return (
    <>
      <h1 className="mb-3 text-[20px] leading-7 font-semibold tracking-tight">Fear &amp; Greed</h1>
      {!answer && error ? (
        <Failure
          what="The index could not be loaded"
          problem={error}
          hint="It appears here by itself as soon as that changes."
        />
      ) : now === null ? (
        <p className="panel px-3 py-8 text-center text-ink-2">No value of the index has been collected yet.</p>
      ) : (
        <div className="grid gap-3 lg:grid-cols-[18rem_minmax(0,1fr)]">
          <Now value={now} isStale={answer?.meta.is_stale ?? true} />
          <Days days={answer?.data.history ?? []} />
        </div>
      )}
    </>
  );
}

function Now({ value, isStale }: { value: IndexValue; isStale: boolean }) {
  return (
    <section className="panel self-start px-3 py-3" aria-label="Newest value">
      <p className={`text-[28px] leading-9 font-semibold tabular-nums ${isStale ? "stale" : ""}`} data-testid="index">
        {value.index} <span className="unit text-[14px]">of 100</span>
      </p>
      <p>{value.classification}</p>
      <meter className="mt-2 w-full" min={0} max={100} value={value.index} aria-label="0 is extreme fear, 100 extreme greed" />
      <p className="label mt-0.5 flex justify-between"><span>Extreme fear</span><span>Extreme greed</span></p>
      <p className="label mt-2">
        {formatSource(value.source)}, for <Moment at={value.day} style="date" />
        {isStale && <span className="text-stale"> · the next value is late</span>}
      </p>
    </section>
  );
}

/** Days as a line; a day that is missing breaks it. */
function Days({ days }: { days: readonly IndexValue[] }) {
  const lines = stretches(days);
  const [first, last] = [days[0], days.at(-1)];
  return (
    <section className="panel flex min-w-0 flex-col" aria-label="History">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" className="h-64 w-full" role="img" aria-label="The index over its last days">
        {LINES.map((level) => (
          <line key={level} x1={0} x2={WIDTH} y1={yOf(level)} y2={yOf(level)} stroke="var(--line)" vectorEffect="non-scaling-stroke" />
        ))}
        {lines.map((points) => (
          <polyline key={points} points={points} fill="none" stroke="var(--series-1)" strokeWidth={1.5} strokeLinecap="round" vectorEffect="non-scaling-stroke" />
        ))}
      </svg>
      <p className="flex justify-between border-t border-line px-3 py-1.5 text-[12px] text-ink-3">
        <span>{first && <Moment at={first.day} style="date" />}</span>
        <span>lines at 25, 50 and 75</span>
        <span>{last && <Moment at={last.day} style="date" />}</span>
      </p>
    </section>
  );
}

function yOf(index: number): number {
  return HEIGHT * (1 - index / 100);
}

/** SVG points of each stretch of days without a break. */
export function stretches(days: readonly IndexValue[]): string[] {
  const times = days.map(({ day }) => toMs(day) ?? 0);
  const from = times[0] ?? 0;
  const span = Math.max((times.at(-1) ?? 0) - from, DAY_MS);
  const found: string[][] = [];
  for (const [place, { index }] of days.entries()) {
    const at = times[place] ?? 0;
    const before = times[place - 1];
    if (before === undefined || at - before > 1.5 * DAY_MS) found.push([]);
    const x = (WIDTH * (at - from)) / span;
    found.at(-1)?.push(`${x.toFixed(1)},${yOf(index).toFixed(1)}`);
  }
  return found.map((points) => (points.length === 1 ? `${points[0]} ${points[0]}` : points.join(" ")));
}
