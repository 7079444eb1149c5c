"use client";
/** What an anomaly was judged by, drawn: its prices or market caps, the episode shaded. */
import type { AnomalyDetail } from "@/lib/api/types";
import { evidencePlot, HEIGHT, type Plot, WIDTH } from "@/lib/chart/evidence-plot";
import { formatCompact, formatPrice, formatTime } from "@/lib/format";
import { NothingToDraw } from "./chart-frame";
import { usePlatform } from "./platform";

const STROKES = ["var(--series-1)", "var(--series-2)", "var(--series-3)", "var(--series-4)"] as const;
const COMPACT_FROM = 10_000_000;

export function EvidenceChart({ one }: { one: AnomalyDetail }) {
  const plot = evidencePlot(one.evidence, one.started_at, one.resolved_at);
  return (
    <section className="panel flex min-w-0 flex-col self-start" aria-label="Evidence">
      {plot ? (
        <Drawn plot={plot} label={one.sentence} />
      ) : (
        <div className="relative h-64">
          <NothingToDraw what="Nothing to draw" why="It is about a source, or its prices are no longer kept." />
        </div>
      )}
    </section>
  );
}

function Drawn({ plot, label }: { plot: Plot; label: string }) {
  const { zone } = usePlatform();
  return (
    <>
      <ul className="flex flex-wrap gap-x-4 gap-y-1 border-b border-line px-3 py-2 text-[12px]">
        {plot.lines.map((line, place) => (
          <li key={line.name} className="flex items-center gap-1.5">
            <span className="inline-block h-0.5 w-4" style={{ background: stroke(place) }} aria-hidden="true" />
            {line.name} <span className="unit">{line.unit}, {amount(line.lowest)} to {amount(line.highest)}</span>
          </li>
        ))}
        <li className="flex items-center gap-1.5">
          <span className="inline-block size-2.5 bg-[var(--gap)]" aria-hidden="true" /> the episode
        </li>
      </ul>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="h-64 w-full sm:h-96"
        role="img"
        aria-label={label}
        data-testid="evidence"
      >
        <rect x={plot.shade.x} y={0} width={plot.shade.width} height={HEIGHT} fill="var(--gap)" opacity={0.6} />
        {plot.lines.map((line, place) => (
          <polyline
            key={line.name}
            points={line.points}
            fill="none"
            stroke={stroke(place)}
            strokeWidth={1.5}
            vectorEffect="non-scaling-stroke"
          />
        ))}
      </svg>
      <p className="flex justify-between border-t border-line px-3 py-1.5 text-[12px] text-ink-3">
        <span>{formatTime(plot.fromMs, zone, "dateTime")}</span>
        <span>{formatTime(plot.toMs, zone, "dateTime")}</span>
      </p>
    </>
  );
}

function stroke(place: number): string {
  return STROKES[place % STROKES.length] ?? STROKES[0];
}

function amount(of: number): string {
  return of >= COMPACT_FROM ? formatCompact(of) : formatPrice(of);
}
