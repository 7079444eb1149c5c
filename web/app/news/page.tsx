import type { Metadata } from "next";
import { NewsList } from "@/components/news-list";
import { getOnServer } from "@/lib/api/get";
import { newsPath } from "@/lib/api/paths";
import { firstValues } from "@/lib/query";
import { newsQuery, newsUrl, parseNewsState } from "./news-state";

export const metadata: Metadata = { title: "News" };

export default async function NewsPage({ searchParams }: PageProps<"/news">) {
  const state = parseNewsState(firstValues(await searchParams));
  const initial = await getOnServer(newsPath(newsQuery(state)));
  return <NewsList key={newsUrl(state)} state={state} initial={initial} />;
}
