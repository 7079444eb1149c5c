/** What the badge and the strip say about the platform: words made of /health. */
import type { Envelope, Health, PartHealth } from "./api/types";
import { formatTime, type Zone } from "./format";
import type { Live } from "./live-feed";

export type Freshness = { word: "LIVE" | "STALE" } | { word: "DELAYED"; seconds: number };

/** A number this old still counts as live; a replay may lag by as much again per unit of speed. */
const LIVE_FOR_S = 15;
const REPLAY_SLACK_S = 10;

/**
 * Parts of /health that say how new the data is: what they bring and what is old without it. The
 * other parts say whether a process answers.
 */
const FEEDS: ReadonlyMap<string, readonly [brings: string, isOld: string]> = new Map([
  ["trades", ["Trades", "bars and traded prices"]],
  ["prices", ["Price snapshots", "market caps, volumes and changes"]],
]);

/** The freshest of the parts that judge data; null parts and dead ones do not count. */
export function freshness(live: Live<Envelope<Health>>): Freshness {
  const health = live.answer?.data;
  if (!health || live.error) return { word: "STALE" };
  const ages = health.parts
    .filter((part) => FEEDS.has(part.name) && part.is_up)
    .flatMap((part) => (part.age_s === null ? [] : [part.age_s]));
  if (ages.length === 0) return { word: "STALE" };
  const ageS = Math.min(...ages);
  const slackS = health.clock.is_replay ? REPLAY_SLACK_S * health.clock.speed : 0;
  return ageS <= LIVE_FOR_S + slackS
    ? { word: "LIVE" }
    : { word: "DELAYED", seconds: Math.round(ageS) };
}

export interface Trouble {
  key: string;
  sentence: string;
}

const STAYS = "numbers on the page stay as they were";

/** What a process keeps away and what still works, by the name of its part. */
const PROCESSES: Record<string, readonly [name: string, works: string]> = {
  influxdb: ["InfluxDB", STAYS],
  kafka: ["Kafka", "no new numbers arrive, stored ones are shown"],
};

function partSentence(part: PartHealth, since: string, zone: Zone): string {
  const feed = FEEDS.get(part.name);
  if (feed) {
    const [brings, isOld] = feed;
    if (part.observed_at === null) return `${brings}: none have arrived yet.`;
    return `${brings} stopped at ${formatTime(part.observed_at, zone, "dateTime")}; ${isOld} are as of then.`;
  }
  const [name, works] = PROCESSES[part.name] ?? [part.name, STAYS];
  return `${name} does not answer since ${since}; ${works}.`;
}

/** One sentence for each thing that is wrong. `downSince` holds real time by name of the part. */
export function troubles(
  live: Live<Envelope<Health>>,
  downSince: ReadonlyMap<string, number>,
  zone: Zone,
): Trouble[] {
  // Beside a replay's clock a real time needs its name.
  const suffix = live.answer?.data.clock.is_replay ? " of real time" : "";
  const real = (ms: number | null | undefined): string => `${formatTime(ms, zone, "time")}${suffix}`;
  if (live.error) {
    const shown = live.answer ? `; ${STAYS}` : "";
    return [{ key: "api", sentence: `${live.error.title} since ${real(live.failingSinceMs)}${shown}.` }];
  }
  const down = (live.answer?.data.parts ?? []).filter((part) => !part.is_up);
  // Without the store nobody can say how new the data is, so its silence is the whole story.
  const isStoreDown = down.some((part) => part.name === "influxdb");
  return down
    .filter((part) => !isStoreDown || !FEEDS.has(part.name))
    .map((part) => ({
      key: part.name,
      sentence: partSentence(part, real(downSince.get(part.name)), zone),
    }));
}
