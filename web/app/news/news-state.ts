/** What the list of news shows, in the URL: /news?label=negative&coin=bitcoin&source=coindesk */
import type { MoodLabel } from "@/lib/api/types";

/** Every label with its name; one that the API adds fails the build here. */
export const LABEL_NAMES: Record<MoodLabel, string> = { positive: "Positive", neutral: "Neutral", negative: "Negative" };
export const LABELS = Object.keys(LABEL_NAMES) as MoodLabel[];

export interface NewsState {
  /** Null means all. */
  label: MoodLabel | null;
  coin: string | null;
  source: string | null;
  /** Every copy of a story, not each story once. */
  copies: boolean;
  /** As the API's `meta.next` named it; null is the newest page. */
  page: NewsPage | null;
}

/** A later page of a range that stands still. */
export interface NewsPage {
  from: string;
  to: string;
  before: string;
}

export function parseNewsState(query: URLSearchParams): NewsState {
  return {
    label: LABELS.find((label) => label === query.get("label")) ?? null,
    coin: query.get("coin") || null,
    source: query.get("source") || null,
    copies: query.get("copies") === "true",
    page: pageOf(query),
  };
}

function pageOf(query: URLSearchParams): NewsPage | null {
  const [from, to, before] = [query.get("from"), query.get("to"), query.get("before")];
  return from && to && before ? { from, to, before } : null;
}

/** The shortest URL that means this state. */
export function newsUrl(state: NewsState): string {
  const text = newsQuery(state).toString();
  return text ? `/news?${text}` : "/news";
}

export function newsQuery({ label, coin, source, copies, page }: NewsState): URLSearchParams {
  const query = new URLSearchParams();
  if (label !== null) query.set("label", label);
  if (coin !== null) query.set("coin", coin);
  if (source !== null) query.set("source", source);
  if (copies) query.set("copies", "true");
  if (page !== null) for (const [name, text] of Object.entries(page)) query.set(name, text);
  return query;
}

/** The page after this one; null where there is none. */
export function olderNews(state: NewsState, next: string | null): NewsState | null {
  const page = next === null ? null : pageOf(new URLSearchParams(next.split("?")[1]));
  return page && { ...state, page };
}
