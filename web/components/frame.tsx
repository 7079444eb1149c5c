"use client";
/** Header of every page: name, places, the platform's clock and state, theme and time zone. */
import Link from "next/link";
import { usePathname } from "next/navigation";
import { PLACES } from "@/config/nav";
import { formatCount, formatSpeed, formatTime, zoneLabel } from "@/lib/format";
import { THEMES, type Theme } from "@/lib/preferences";
import { freshness, troubles } from "@/lib/status";
import { KeyboardHelp } from "./keyboard";
import { useHealth, useNow, usePlatform } from "./platform";

export function Frame() {
  const { health } = useHealth();
  const isReplay = health.answer?.data.clock.is_replay ?? false;
  return (
    <header className="sticky top-0 z-20 border-b border-line bg-surface-1">
      {isReplay && <div className="absolute inset-x-0 top-0 h-[3px] bg-replay" data-testid="replay-bar" />}
      <div className="mx-auto flex h-12 max-w-[1600px] items-center gap-3 px-3 sm:gap-5 sm:px-6">
        <Link href="/" className="flex items-center gap-2 text-[15px] font-semibold tracking-tight">
          <Mark />
          {/* On a phone the replay's date needs the room. */}
          <span className={isReplay ? "sr-only sm:not-sr-only" : ""}>CryptoViz</span>
        </Link>
        <nav aria-label="Places" className="hidden gap-1 sm:flex">
          {PLACES.map((place) => (
            <PlaceLink key={place.href} href={place.href} label={place.label} />
          ))}
        </nav>
        <div className="ml-auto flex items-center gap-2 sm:gap-3">
          <ClockReading />
          <StateBadges />
          <ZoneToggle />
          <ThemeToggle />
          <KeyboardHelp />
        </div>
      </div>
    </header>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 16 16" className="size-4" aria-hidden="true">
      <path d="M4.500 1.500v13M11.500 1.500v13" stroke="var(--ink-3)" strokeWidth="1" />
      <rect x="2.500" y="5" width="4" height="6.500" fill="var(--down)" />
      <rect x="9.500" y="3.500" width="4" height="7.500" fill="var(--up)" />
    </svg>
  );
}

function PlaceLink({ href, label }: { href: string; label: string }) {
  const isHere = usePathname() === href;
  return (
    <Link
      href={href}
      aria-current={isHere ? "page" : undefined}
      className={`px-2 py-1 text-[13px] hover:text-ink ${isHere ? "font-semibold text-ink" : "text-ink-2"}`}
    >
      {label}
    </Link>
  );
}

function ClockReading() {
  const { zone } = usePlatform();
  const { health } = useHealth();
  const nowMs = useNow();
  const isReplay = health.answer?.data.clock.is_replay ?? false;
  return (
    <span
      className="hidden text-[13px] text-ink-2 md:inline"
      title={`${isReplay ? "The scenario's time" : "The platform's time"}, ${formatTime(nowMs, "UTC", "dateTime")} UTC`}
    >
      {formatTime(nowMs, zone, "dateTime")} <span className="unit">{zoneLabel(zone)}</span>
    </span>
  );
}

function StateBadges() {
  const { zone } = usePlatform();
  const { health } = useHealth();
  const state = freshness(health);
  const clock = health.answer?.data.clock;
  const nowMs = useNow();
  return (
    <span className="flex items-center gap-2" data-testid="platform-state">
      {clock?.is_replay && (
        <span className="badge text-replay" title={`Scenario ${clock.scenario ?? "unnamed"}: not today's market`}>
          REPLAY
          <span className="font-medium tracking-normal">
            {formatTime(nowMs, zone, "date")} at {formatSpeed(clock.speed)}
          </span>
        </span>
      )}
      {state.word === "DELAYED" ? (
        <span className="badge text-delayed" title="Age of the newest number">
          DELAYED {formatCount(state.seconds)} s
        </span>
      ) : state.word === "STALE" ? (
        <span className="badge text-stale" title="No new numbers arrive; what is shown is old">
          STALE
        </span>
      ) : (
        !clock?.is_replay && (
          <span className="badge text-accent" title="New numbers arrive">
            LIVE
          </span>
        )
      )}
    </span>
  );
}

function ZoneToggle() {
  const { zone, chooseZone } = usePlatform();
  const isUtc = zone === "UTC";
  return (
    <span className="segments hidden sm:inline-flex" role="group" aria-label="Time zone">
      <button type="button" aria-pressed={isUtc} onClick={() => chooseZone("UTC")}>
        UTC
      </button>
      <button
        type="button"
        aria-pressed={!isUtc}
        title={isUtc ? "Show times of this computer's zone" : zone}
        onClick={() => chooseZone(Intl.DateTimeFormat().resolvedOptions().timeZone)}
      >
        Local
      </button>
    </span>
  );
}

const THEME_GLYPHS: Record<Theme, string> = {
  system: "M2 3h12v8H2zM6 14h4M8 11v3",
  light: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v2M8 13v2M1 8h2M13 8h2M3 3l1.400 1.400M11.600 11.600 13 13M3 13l1.400-1.400M11.600 4.400 13 3",
  dark: "M13 9.500A5.500 5.500 0 0 1 6.500 3a5.500 5.500 0 1 0 6.500 6.500z",
};

function ThemeToggle() {
  const { theme, chooseTheme } = usePlatform();
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  return (
    <button
      type="button"
      className="flex size-7 items-center justify-center text-ink-2 hover:bg-surface-2 hover:text-ink"
      title={`Theme: ${theme}. Change to ${next}`}
      aria-label={`Theme: ${theme}. Change to ${next}`}
      onClick={() => chooseTheme(next)}
    >
      <svg viewBox="0 0 16 16" className="size-4" fill="none" stroke="currentColor" strokeWidth="1.300" aria-hidden="true">
        <path d={THEME_GLYPHS[theme]} />
      </svg>
    </button>
  );
}

/** Under the header: what is wrong, since when, what still works. Nothing when all is well. */
export function HealthStrip() {
  const { zone } = usePlatform();
  const { health, downSince } = useHealth();
  const found = troubles(health, downSince, zone);
  if (found.length === 0) return null;
  return (
    <div role="status" data-testid="health-strip" className="border-b border-line bg-delayed-wash text-[13px]">
      <div className="mx-auto flex max-w-[1600px] flex-wrap justify-between gap-x-6 px-3 py-1.5 sm:px-6">
        <ul>
          {found.map((trouble) => (
            <li key={trouble.key} className="flex gap-2">
              <span className="font-semibold text-delayed" aria-hidden="true">!</span>
              <span>{trouble.sentence}</span>
            </li>
          ))}
        </ul>
        <p className="text-ink-2">
          <code className="font-mono text-[12px]">./cryptoviz status</code> says what runs.
        </p>
      </div>
    </div>
  );
}
