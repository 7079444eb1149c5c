/** How long trades take, stage by stage: bars up to the median, then to 95 and to 99 of a hundred. */
import type { Stage } from "@/lib/api/types";
import { formatAge, formatCount, formatNumber } from "@/lib/format";
import { latencyBar } from "@/lib/latency";
import { Missing } from "./figures";

const NAMES: Record<string, readonly [name: string, what: string]> = {
  agent: ["To our agent", "From the exchange's stamp to our receiving it"],
  kafka: ["Into Kafka", "From our receiving it to Kafka's log"],
  spark: ["To a micro-batch", "From Kafka's log to the micro-batch that reads it"],
  store: ["Into InfluxDB", "From there until its candle can be read"],
  whole: ["All of it", "From the exchange's stamp until its candle can be read"],
};
const WHY = "No trade was timed in this stage in the last minute";

export function LatencyPicture({ stages }: { stages: readonly Stage[] }) {
  const timed = stages.filter((stage) => stage.n !== null && stage.n > 0);
  const longestMs = Math.max(1, ...timed.map((stage) => stage.p99_ms ?? 0));
  const [newest] = stages;
  return (
    <div className="p-3 text-[13px]">
      {timed.length === 0 && <p className="text-ink-2">No trade became readable in the last minute.</p>}
      {timed.length > 0 && (
        <dl className="grid grid-cols-[8.5rem_1fr_auto] items-center gap-x-3 gap-y-1.5">
          {stages.map((stage) => (
            <StageRow key={stage.stage} stage={stage} longestMs={longestMs} />
          ))}
        </dl>
      )}
      {newest && (
        <p className="label mt-3">
          Median, 95 and 99 of a hundred, real time · {formatCount(timed[0]?.n ?? 0)} trades of the last{" "}
          {newest.window_s ?? 60} s · {formatAge(newest.age_s * 1000)} old
        </p>
      )}
    </div>
  );
}

function StageRow({ stage, longestMs }: { stage: Stage; longestMs: number }) {
  const [name, what] = NAMES[stage.stage] ?? [stage.stage, ""];
  const bar = latencyBar(stage, longestMs);
  return (
    <>
      <dt title={what} className={stage.stage === "whole" ? "font-medium" : ""}>{name}</dt>
      <dd>
        {bar && (
          <svg viewBox="0 0 100 10" preserveAspectRatio="none" className="h-3.5 w-full" aria-hidden="true">
            <rect x="0" y="0" width={bar.p99} height="10" className="fill-[var(--line)]" />
            <rect x="0" y="0" width={bar.p95} height="10" className="fill-[var(--line-strong)]" />
            <rect x="0" y="0" width={bar.p50} height="10" className="fill-[var(--accent)]" />
          </svg>
        )}
      </dd>
      <dd className="num">
        {stage.p50_ms === null ? (
          <Missing why={WHY} />
        ) : (
          <>
            {[stage.p50_ms, stage.p95_ms, stage.p99_ms].map((ms) => formatNumber(ms, 0)).join(" · ")}
            <span className="unit"> ms</span>
          </>
        )}
      </dd>
    </>
  );
}
