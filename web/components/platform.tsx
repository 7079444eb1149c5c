"use client";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { HEALTH } from "@/lib/api/paths";
import type { Answer, Envelope, Health } from "@/lib/api/types";
import { formatAge, toMs, type Zone } from "@/lib/format";
import { type Live, useLive } from "@/lib/live";
import { PlatformClock } from "@/lib/platform-clock";
import { cookieLine, type Preferences, THEME_COOKIE, type Theme, ZONE_COOKIE } from "@/lib/preferences";

const HEALTH_EVERY_MS = 5_000;
const TICK_MS = 1_000;

interface Platform {
  health: Live<Envelope<Health>>;
  downSince: ReadonlyMap<string, number>;
  clock: PlatformClock;
  theme: Theme;
  zone: Zone;
  chooseTheme(theme: Theme): void;
  chooseZone(zone: Zone): void;
}

const PlatformContext = createContext<Platform | null>(null);

export function usePlatform(): Platform {
  const platform = useContext(PlatformContext);
  if (!platform) throw new Error("usePlatform needs <PlatformProvider> above it");
  return platform;
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
    const stated = initial.ok ? initial.body.data.clock : null;
    return new PlatformClock(toMs(stated?.now) ?? serverNowMs, stated?.speed ?? 1, Date.now());
  });
  const downSince = useDownSince(health);
  const [theme, setTheme] = useState(preferences.theme);
  const [zone, setZone] = useState(preferences.zone);

  useEffect(() => {
    const timer = setInterval(() => clock.tick(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [clock]);

  useEffect(() => {
    const stated = health.answer?.data.clock;
    const nowMs = toMs(stated?.now);
    if (stated && nowMs !== null) clock.anchor(nowMs, stated.speed, health.receivedAtMs ?? Date.now());
  }, [clock, health.answer, health.receivedAtMs]);

  const platform = useMemo<Platform>(
    () => ({
      health,
      downSince,
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
    [health, downSince, clock, theme, zone],
  );
  return <PlatformContext value={platform}>{children}</PlatformContext>;
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
