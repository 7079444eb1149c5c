"use client";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { HEALTH } from "@/lib/api/paths";
import type { Answer, Envelope, Health } from "@/lib/api/types";
import { formatAge, toMs, type Zone } from "@/lib/format";
import { type Live, useLive } from "@/lib/live";
import { type Anchor, PlatformClock } from "@/lib/platform-clock";
import { cookieLine, type Preferences, THEME_COOKIE, type Theme, ZONE_COOKIE } from "@/lib/preferences";

const HEALTH_EVERY_MS = 5_000;
const TICK_MS = 1_000;

/** What stays while numbers come and go, so that who shows a figure is not drawn with each /health. */
interface Platform {
  clock: PlatformClock;
  theme: Theme;
  zone: Zone;
  chooseTheme(theme: Theme): void;
  chooseZone(zone: Zone): void;
}

interface PlatformHealth {
  health: Live<Envelope<Health>>;
  downSince: ReadonlyMap<string, number>;
}

const PlatformContext = createContext<Platform | null>(null);
const HealthContext = createContext<PlatformHealth | null>(null);

function provided<T>(context: T | null): T {
  if (!context) throw new Error("This needs <PlatformProvider> above it");
  return context;
}

export function usePlatform(): Platform {
  return provided(useContext(PlatformContext));
}

export function useHealth(): PlatformHealth {
  return provided(useContext(HealthContext));
}

interface Props {
  health: Answer<Envelope<Health>>;
  preferences: Preferences;
  /** Real time of the server, for the first paint when /health did not answer. */
  serverNowMs: number;
  children: ReactNode;
}

export function PlatformProvider({ health: initial, preferences, serverNowMs, children }: Props) {
  const health = useLive(HEALTH, HEALTH_EVERY_MS, initial);
  const [clock] = useState(() => {
    const anchor = initial.ok ? anchorOf(initial.body) : null;
    return new PlatformClock(anchor ?? { nowMs: serverNowMs, speed: 1, isReplay: false }, Date.now());
  });
  const downSince = useDownSince(health);
  const [theme, setTheme] = useState(preferences.theme);
  const [zone, setZone] = useState(preferences.zone);

  useEffect(() => {
    const timer = setInterval(() => clock.tick(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [clock]);

  useEffect(() => {
    const anchor = health.answer && anchorOf(health.answer);
    if (anchor) clock.anchor(anchor, health.receivedAtMs ?? Date.now());
  }, [clock, health.answer, health.receivedAtMs]);

  const platform = useMemo<Platform>(
    () => ({
      clock,
      theme,
      zone,
      chooseTheme(chosen) {
        document.cookie = cookieLine(THEME_COOKIE, chosen);
        document.documentElement.dataset.theme = chosen;
        setTheme(chosen);
      },
      chooseZone(chosen) {
        document.cookie = cookieLine(ZONE_COOKIE, chosen);
        setZone(chosen);
      },
    }),
    [clock, theme, zone],
  );
  const stated = useMemo(() => ({ health, downSince }), [health, downSince]);
  return (
    <PlatformContext value={platform}>
      <HealthContext value={stated}>{children}</HealthContext>
    </PlatformContext>
  );
}

function anchorOf({ data: { clock } }: Envelope<Health>): Anchor | null {
  const nowMs = toMs(clock.now);
  return nowMs === null ? null : { nowMs, speed: clock.speed, isReplay: clock.is_replay };
}

/** Real time at which this page first saw each part down; empty for parts that are up. */
function useDownSince(health: Live<Envelope<Health>>): ReadonlyMap<string, number> {
  const [seen, setSeen] = useState<Live<Envelope<Health>> | null>(null);
  const [downSince, setDownSince] = useState<ReadonlyMap<string, number>>(new Map());
  if (seen !== health) {
    setSeen(health);
    const parts = health.answer?.data.parts ?? [];
    const down = parts.filter((part) => !part.is_up).map((part) => part.name);
    const nowMs = health.receivedAtMs ?? 0;
    setDownSince(new Map(down.map((name) => [name, downSince.get(name) ?? nowMs])));
  }
  return downSince;
}

/** Platform time, in steps of a second. */
export function useNow(): number {
  const { clock } = usePlatform();
  return useSyncExternalStore(clock.subscribe, clock.now, clock.now);
}

/** "12 s" since a moment; renders again only when the words change. */
export function useAge(moment: string | null): string {
  const { clock } = usePlatform();
  const sinceMs = toMs(moment);
  const words = () => formatAge(sinceMs === null ? null : clock.now() - sinceMs);
  return useSyncExternalStore(clock.subscribe, words, words);
}
