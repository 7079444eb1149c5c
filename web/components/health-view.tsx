"use client";
/** How the platform itself does. Each part asks for itself, so that one that fails leaves the others. */
import type { ReactNode } from "react";
import { GAPS, type Path, PIPELINE, QUALITY, SOURCES } from "@/lib/api/paths";
import type { Answer, Envelope, Pipeline, QualityRow, RecordedGap, SourceHealth } from "@/lib/api/types";
import { useLive } from "@/lib/live";
import { Failure } from "./failure";
import { DeadLetterTable, JobTable } from "./health-jobs";
import { LatencyPicture } from "./health-latency";
import { GapTable, QualityTable, SourceTable } from "./health-series";

/** Jobs and sources tell of themselves every ten seconds. */
const EVERY_MS = 5_000;

interface Props {
  pipeline: Answer<Envelope<Pipeline>>;
  sources: Answer<Envelope<SourceHealth[]>>;
  gaps: Answer<Envelope<RecordedGap[]>>;
  quality: Answer<Envelope<QualityRow[]>>;
}

export function HealthView({ pipeline, sources, gaps, quality }: Props) {
  return (
    <>
      <h1 className="mb-3 text-[20px] leading-7 font-semibold tracking-tight">Health</h1>
      <div className="grid grid-cols-[minmax(0,1fr)] gap-5">
        <Part title="Jobs" what="The jobs" path={PIPELINE} initial={pipeline}>
          {(found) => <JobTable jobs={found.jobs} />}
        </Part>
        <div className="grid grid-cols-[minmax(0,1fr)] gap-5 lg:grid-cols-2">
          <Part title="From a trade to its candle" what="The latency" path={PIPELINE} initial={pipeline}>
            {(found) => <LatencyPicture stages={found.latency} />}
          </Part>
          <Part title="Dead letters of the last hour" what="The dead letters" path={PIPELINE} initial={pipeline}>
            {(found) => <DeadLetterTable letters={found.dead_letters} />}
          </Part>
        </div>
        <Part title="Sources" what="The sources" path={SOURCES} initial={sources}>
          {(found) => <SourceTable sources={found} />}
        </Part>
        <Part title="Quality, worst first" what="The quality of series" path={QUALITY} initial={quality}>
          {(found) => <QualityTable series={found} />}
        </Part>
        <Part title="Gaps of the last day" what="The gaps" path={GAPS} initial={gaps}>
          {(found) => <GapTable gaps={found} />}
        </Part>
      </div>
    </>
  );
}

interface PartProps<T> {
  title: string;
  what: string;
  path: Path<Envelope<T>>;
  initial: Answer<Envelope<T>>;
  children: (found: T) => ReactNode;
}

function Part<T>({ title, what, path, initial, children }: PartProps<T>) {
  const { answer, error, isLost } = useLive(path, EVERY_MS, initial);
  const isOld = isLost || (answer?.meta.is_stale ?? false);
  return (
    <section aria-label={title} className="min-w-0">
      <h2 className="mb-1.5 text-[14px] font-semibold">
        {title}
        {answer && isOld && <span className="label ml-2 font-normal text-stale">nothing new arrives</span>}
      </h2>
      {answer ? (
        <div className={`panel overflow-x-auto ${isOld ? "stale-part" : ""}`}>{children(answer.data)}</div>
      ) : (
        error && (
          <Failure
            what={`${what} could not be loaded`}
            problem={error}
            hint="They appear here by themselves as soon as that changes."
          />
        )
      )}
    </section>
  );
}
