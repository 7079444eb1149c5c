"use client";
/** One episode: its sentence, the prices around it, and everything it was judged by. */
import Link from "next/link";
import type { ReactNode } from "react";
import { anomaliesUrl, KIND_NAMES, NEWEST } from "@/app/anomalies/anomalies-state";
import { PHASE_NAMES, subjectOf } from "@/lib/anomaly";
import { anomalyPath } from "@/lib/api/paths";
import type { AnomalyDetail, Answer, Envelope } from "@/lib/api/types";
import { formatCount, formatNumber, formatSource, formatSpan, toMs } from "@/lib/format";
import { useLive } from "@/lib/live";
import { Amount, SeverityWord } from "./anomaly-figures";
import { EvidenceChart } from "./evidence-chart";
import { Missing, Moment } from "./figures";

const EPISODE_EVERY_MS = 5_000;

interface Props {
  initial: Extract<Answer<Envelope<AnomalyDetail>>, { ok: true }>;
}

export function AnomalyView({ initial }: Props) {
  const { answer } = useLive(anomalyPath(initial.body.data.anomaly_id), EPISODE_EVERY_MS, initial);
  const one = answer?.data ?? initial.body.data;
  return (
    <>
      <div className="mb-4">
        <p className="label mb-0.5">
          <Link href={anomaliesUrl(NEWEST)} className="hover:text-ink">Anomalies</Link> <span aria-hidden="true">/</span>{" "}
          {KIND_NAMES[one.kind]} · <SeverityWord severity={one.severity} /> · {PHASE_NAMES[one.phase]}
        </p>
        <h1 className="max-w-4xl text-[20px] leading-7 font-semibold tracking-tight">{one.sentence}</h1>
        {one.coin_id !== null && (
          <p className="mt-1 text-[13px]">
            <Link href={`/coins/${encodeURIComponent(one.coin_id)}`} className="text-accent">{one.coin_id}</Link>
            {one.other_coin_id !== null && (
              <>
                {" and "}
                <Link href={`/coins/${encodeURIComponent(one.other_coin_id)}`} className="text-accent">
                  {one.other_coin_id}
                </Link>
              </>
            )}
          </p>
        )}
      </div>
      <div className="grid gap-4 xl:grid-cols-[minmax(0,1fr)_340px]">
        <EvidenceChart one={one} />
        <Figures one={one} />
      </div>
    </>
  );
}

function Figures({ one }: { one: AnomalyDetail }) {
  return (
    <div className="grid content-start gap-4 md:grid-cols-2 xl:grid-cols-1">
      <Section title="Measured">
        <Line name="About">{subjectOf(one)}</Line>
        <Line name="Source">{formatSource(one.source)}</Line>
        <Line name="Peak"><Amount amount={one.peak_value} unit={one.unit} /></Line>
        <Line name="Now"><Amount amount={one.value} unit={one.unit} /></Line>
        <Line name="Expected"><Amount amount={one.expected} unit={one.unit} why="Nothing is expected of this kind" /></Line>
        <Line name="Opens at"><Amount amount={one.threshold} unit={one.unit} why="No single threshold" /></Line>
        <Line name="Score">{one.score === null ? <Missing why="This kind has none" /> : formatNumber(one.score, 2)}</Line>
        <Line name="Window">{one.window_s === null ? <Missing why="An instant" /> : formatSpan(one.window_s * 1000)}</Line>
        <Line name="Numbers behind it">{one.n === null ? <Missing why="None" /> : formatCount(one.n)}</Line>
      </Section>
      <Section title="When">
        <Line name="Began"><Moment at={one.started_at} style="dateTime" /></Line>
        <Line name="Detected"><Moment at={one.detected_at} style="dateTime" /></Line>
        <Line name="Peaked"><Moment at={one.peaked_at} style="dateTime" /></Line>
        <Line name="Resolved">
          {one.resolved_at === null ? <Missing why="It lasts" /> : <Moment at={one.resolved_at} style="dateTime" />}
        </Line>
        <Line name="Lasted">{lasted(one)}</Line>
        <Line name="Revision">{formatCount(one.revision)}</Line>
      </Section>
      <Section title="Evidence">
        <Texts name="Sources" texts={one.sources} />
        <Texts name="Trades" texts={one.trade_ids} />
        <Texts name="Kafka records" texts={one.coordinates} />
        <Texts name="Id" texts={[one.anomaly_id]} />
      </Section>
    </div>
  );
}

function lasted(one: AnomalyDetail): ReactNode {
  const [begin, end] = [toMs(one.started_at), toMs(one.resolved_at)];
  return begin === null || end === null ? <Missing why="It lasts" /> : formatSpan(end - begin);
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="panel text-[13px]">
      <h2 className="flex h-9 items-center border-b border-line px-3 font-semibold">{title}</h2>
      <dl className="py-1.5">{children}</dl>
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

function Texts({ name, texts }: { name: string; texts: readonly string[] }) {
  return (
    <div className="px-3 py-1">
      <dt className="text-ink-2">{name}</dt>
      <dd className="font-mono text-[12px] break-all">
        {texts.length === 0 ? <Missing why="None were kept" /> : texts.join(", ")}
      </dd>
    </div>
  );
}
