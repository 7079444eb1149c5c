import type { Metadata } from "next";
import { FearGreedView } from "@/components/fear-greed-view";
import { getOnServer } from "@/lib/api/get";
import { FEAR_GREED } from "@/lib/api/paths";

export const metadata: Metadata = { title: "Fear & Greed" };

export default async function FearGreedPage() {
  return <FearGreedView initial={await getOnServer(FEAR_GREED)} />;
}
