/** What the badge and the strip say about the platform: words made of /health. */
import type { Envelope, Health, PartHealth } from "./api/types";
import { formatAge, formatTime, type Zone } from "./format";
import type { Live } from "./live-feed";

export type Freshness = { word: "LIVE" | "STALE" } | { word: "DELAYED"; seconds: number };

/** A number this old still counts as live; a replay may lag by as much again per unit of speed. */
const LIVE_FOR_S = 15;
const REPLAY_SLACK_S = 10;

/** Parts of /health that say how new the data is; the others say whether a process answers. */
const JUDGES_DATA: ReadonlySet<string> = new Set(["prices", "trades"]);

/** The freshest of the parts that judge data; null parts and dead ones do not count. */
export function freshness(live: Live<Envelope<Health>>): Freshness {
  const health = live.answer?.data;
  if (!health || live.error) return { word: "STALE" };
  const ages = health.parts
    .filter((part) => JUDGES_DATA.has(part.name) && part.is_up)
    .flatMap((part) => (part.age_s === null ? [] : [part.age_s]));
  if (ages.length === 0) return { word: "STALE" };
  const ageS = Math.min(...ages);
  const slackS = health.clock.is_replay ? REPLAY_SLACK_S * health.clock.speed : 0;
  return ageS <= LIVE_FOR_S + slackS
    ? { word: "LIVE" }
    : { word: "DELAYED", seconds: Math.round(ageS) };
}

const PART_NAMES: Record<string, string> = { influxdb: "InfluxDB", kafka: "Kafka" };

export interface Trouble {
  key: string;
  sentence: string;
}

function partSentence(part: PartHealth, sinceMs: number, zone: Zone): string {
  const since = formatTime(sinceMs, zone, "time");
  if (JUDGES_DATA.has(part.name)) {
    const last = part.observed_at
      ? `the last are ${formatAge((part.age_s ?? 0) * 1000)} old, of ${formatTime(part.observed_at, zone, "dateTime")}`
      : "none have arrived yet";
    const what = part.name === "prices" ? "No new snapshots of prices" : "No new trades";
    return `${what}: ${last}.`;
  }
  const name = PART_NAMES[part.name] ?? part.name;
  if (part.name === "influxdb") {
    return `${name} does not answer since ${since}; the last prices are shown.`;
  }
  return `${name} does not answer since ${since}; no new numbers arrive, stored ones are shown.`;
}

/** One sentence for each thing that is wrong. `downSince` holds real time by name of the part. */
export function troubles(
  live: Live<Envelope<Health>>,
  downSince: ReadonlyMap<string, number>,
  zone: Zone,
): Trouble[] {
  if (live.error) {
    const since = formatTime(live.failingSinceMs, zone, "time");
    const shown = live.answer ? " The last numbers are shown." : "";
    const sentence = `${live.error.title} since ${since}.${shown} ./cryptoviz status says what runs.`;
    return [{ key: "api", sentence }];
  }
  const down = (live.answer?.data.parts ?? []).filter((part) => !part.is_up);
  // Without the store nobody can say how new the data is, so its silence is the whole story.
  const isStoreDown = down.some((part) => part.name === "influxdb");
  return down
    .filter((part) => !isStoreDown || !JUDGES_DATA.has(part.name))
    .map((part) => ({
      key: part.name,
      sentence: partSentence(part, downSince.get(part.name) ?? Date.now(), zone),
    }));
}
