import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { cache } from "react";
import { AnomalyView } from "@/components/anomaly-view";
import { PageFailure } from "@/components/page-failure";
import { getOnServer } from "@/lib/api/get";
import { anomalyPath } from "@/lib/api/paths";
import { KIND_NAMES } from "../anomalies-state";

const anomalyAnswer = cache((anomalyId: string) => getOnServer(anomalyPath(anomalyId)));

type Props = PageProps<"/anomalies/[anomaly_id]">;

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const answer = await anomalyAnswer((await params).anomaly_id);
  return { title: answer.ok ? KIND_NAMES[answer.body.data.kind] : "Anomaly" };
}

/** An id that is none answers 422, one that nothing has 404; to a reader both are no page. */
const NO_SUCH = new Set([404, 422]);

export default async function AnomalyPage({ params }: Props) {
  const id = (await params).anomaly_id;
  const answer = await anomalyAnswer(id);
  if (!answer.ok && NO_SUCH.has(answer.problem.status)) notFound();
  if (!answer.ok) {
    return <PageFailure what="The anomaly could not be loaded" path={anomalyPath(id)} failed={answer} />;
  }
  return <AnomalyView key={id} initial={answer} />;
}
