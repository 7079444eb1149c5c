import type { Metadata } from "next";
import { HealthView } from "@/components/health-view";
import { getOnServer } from "@/lib/api/get";
import { GAPS, PIPELINE, QUALITY, SOURCES } from "@/lib/api/paths";

export const metadata: Metadata = { title: "Health" };

export default async function HealthPage() {
  const [pipeline, sources, gaps, quality] = await Promise.all([
    getOnServer(PIPELINE),
    getOnServer(SOURCES),
    getOnServer(GAPS),
    getOnServer(QUALITY),
  ]);
  return <HealthView pipeline={pipeline} sources={sources} gaps={gaps} quality={quality} />;
}
