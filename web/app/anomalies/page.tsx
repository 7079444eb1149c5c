import type { Metadata } from "next";
import { AnomalyList } from "@/components/anomaly-list";
import { getOnServer } from "@/lib/api/get";
import { anomaliesPath } from "@/lib/api/paths";
import { firstValues } from "@/lib/query";
import { anomaliesQuery, anomaliesUrl, parseAnomaliesState } from "./anomalies-state";

export const metadata: Metadata = { title: "Anomalies" };

export default async function AnomaliesPage({ searchParams }: PageProps<"/anomalies">) {
  const state = parseAnomaliesState(firstValues(await searchParams));
  const initial = await getOnServer(anomaliesPath(anomaliesQuery(state)));
  return <AnomalyList key={anomaliesUrl(state)} state={state} initial={initial} />;
}
