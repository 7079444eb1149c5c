"use client";
/** Stories, newest first, with the words that decided on their mood; titles are text, never markup. */
import Link from "next/link";
import { LABEL_NAMES, LABELS, type NewsState, newsQuery, newsUrl, olderNews } from "@/app/news/news-state";
import { newsPath } from "@/lib/api/paths";
import type { Answer, Envelope, MoodLabel, NewsRow } from "@/lib/api/types";
import { formatCount, formatNumber, formatSource } from "@/lib/format";
import { titleParts, webAddress } from "@/lib/highlight";
import { useLive } from "@/lib/live";
import { Segments } from "./chart-frame";
import { Failure } from "./failure";
import { Age, Moment } from "./figures";

const NEWS_EVERY_MS = 10_000;
const TONES: Record<MoodLabel, string> = { positive: "text-up", neutral: "text-ink-2", negative: "text-down" };
const SIGNS: Record<MoodLabel, string> = { positive: "▲", neutral: "■", negative: "▼" };

interface Props {
  state: NewsState;
  initial: Answer<Envelope<NewsRow[]>>;
}

export function NewsList({ state, initial }: Props) {
  const { answer, error, isLost } = useLive(newsPath(newsQuery(state)), NEWS_EVERY_MS, initial);
  const older = olderNews(state, answer?.meta.next ?? null);
  const isOld = isLost || (answer?.meta.is_stale ?? false);
  return (
    <>
      <div className="mb-3 flex flex-wrap items-end gap-x-4 gap-y-2">
        <h1 className="text-[20px] leading-7 font-semibold tracking-tight">News</h1>
        <p className="label pb-0.5">
          {state.coin ?? "All coins"} · {state.source === null ? "all feeds" : formatSource(state.source)}
          {(state.coin ?? state.source) !== null && (
            <> · <Link href={newsUrl({ ...state, coin: null, source: null, page: null })}>show all</Link></>
          )}
          {isOld && <span className="text-stale"> · no fresh news for half a day</span>}
        </p>
      </div>
      <Pickers state={state} />
      {!answer && error ? (
        <Failure
          what="The news could not be loaded"
          problem={error}
          hint="They appear here by themselves as soon as that changes."
        />
      ) : (
        <Stories rows={answer?.data ?? []} state={state} />
      )}
      <nav className="mt-3 flex gap-4 text-[13px]" aria-label="Pages">
        {state.page !== null && <Link href={newsUrl({ ...state, page: null })}>Newest</Link>}
        {older && <Link href={newsUrl(older)}>Older</Link>}
      </nav>
    </>
  );
}

function Pickers({ state }: { state: NewsState }) {
  const pick = (label: string, chosen: Partial<NewsState>, isCurrent: boolean) => ({
    label,
    href: newsUrl({ ...state, page: null, ...chosen }),
    isCurrent,
    whyNot: null,
  });
  return (
    <div className="mb-3 flex flex-wrap gap-2 [&>*]:max-w-full [&>*]:overflow-x-auto [&>*>*]:shrink-0 [&>*>*]:whitespace-nowrap">
      <Segments
        name="Mood"
        segments={[
          pick("Any mood", { label: null }, state.label === null),
          ...LABELS.map((label) => pick(LABEL_NAMES[label], { label }, state.label === label)),
        ]}
      />
      <Segments
        name="Copies"
        segments={[
          pick("Each story once", { copies: false }, !state.copies),
          pick("Every copy", { copies: true }, state.copies),
        ]}
      />
    </div>
  );
}

function Stories({ rows, state }: { rows: readonly NewsRow[]; state: NewsState }) {
  if (rows.length === 0) {
    return <p className="panel px-3 py-8 text-center text-ink-2">No story of this sort in the last seven days.</p>;
  }
  return (
    <ol className="panel divide-y divide-line" aria-label="Stories">
      {rows.map((row) => <Story key={`${row.source} ${row.article_id}`} row={row} state={state} />)}
    </ol>
  );
}

function Story({ row, state }: { row: NewsRow; state: NewsState }) {
  const address = webAddress(row.url);
  const title = <Title row={row} />;
  return (
    <li className="grid gap-x-4 gap-y-1 px-3 py-2 sm:grid-cols-[9rem_minmax(0,1fr)]" data-testid={`story-${row.article_id}`}>
      <p className="label whitespace-nowrap">
        <Moment at={row.published_at} style="dateMinute" />
        <br />
        <Age of={row.published_at} why="" />
      </p>
      <div className="min-w-0">
        <p className="break-words" dir="auto">
          {address === null ? title : (
            <a href={address} rel="noopener noreferrer" target="_blank" data-row="">{title}</a>
          )}
        </p>
        <p className="label mt-0.5 flex flex-wrap gap-x-3">
          <span className={TONES[row.label]} title={`Compound score, lexicon ${row.lexicon_version}`}>
            {SIGNS[row.label]} {LABEL_NAMES[row.label]} {formatNumber(row.compound, 2)}
          </span>
          <Link href={newsUrl({ ...state, source: row.source, page: null })} prefetch={false}>{formatSource(row.source)}</Link>
          {row.copies.length > 0 && (
            <span title={row.copies.map(formatSource).join(", ")}>
              {formatCount(row.copies.length)} more {row.copies.length === 1 ? "copy" : "copies"}
            </span>
          )}
          {row.is_copy && <span>copy</span>}
          {row.coins.map((coin) => (
            <Link key={coin.coin_id} href={`/coins/${encodeURIComponent(coin.coin_id)}`} prefetch={false} title={coin.name}>
              {coin.symbol}
            </Link>
          ))}
        </p>
      </div>
    </li>
  );
}

/** The title with its deciding words marked: underlined in their direction, the weight on hover. */
function Title({ row }: { row: NewsRow }) {
  return titleParts(row.title, row.deciding).map(({ text, weight }, place) =>
    weight === null ? (
      text
    ) : (
      <mark
        key={place}
        className={`bg-transparent underline decoration-2 underline-offset-4 ${weight > 0 ? "text-up" : "text-down"}`}
        title={`${weight > 0 ? "+" : "−"}${formatNumber(Math.abs(weight), 2)}`}
      >
        {text}
      </mark>
    ),
  );
}
