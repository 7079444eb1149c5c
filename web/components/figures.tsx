"use client";
/** The pieces that show one figure each. */
import { useState } from "react";
import { compactParts, formatPercent, formatTime, MISSING, priceParts, zoneLabel } from "@/lib/format";
import { formatMoment } from "@/lib/provenance";
import { useAge, usePlatform } from "./platform";

/** An en dash that says on hover why there is no number. */
export function Missing({ why }: { why: string }) {
  return (
    <span className="missing" title={why} aria-label={`missing: ${why}`}>
      {MISSING}
    </span>
  );
}

/** A signed percent in the colour of its direction. */
export function Change({ percent, why }: { percent: number | null; why: string }) {
  if (percent === null) return <Missing why={why} />;
  const text = formatPercent(percent);
  const tone = text.startsWith("+") ? "text-up" : text.startsWith("0.00") ? "text-ink-2" : "text-down";
  return <span className={tone}>{text}</span>;
}

/** A large sum with its unit in a lighter tone. */
export function Compact({ sum, unit, why }: { sum: number | null; unit?: string; why: string }) {
  if (sum === null) return <Missing why={why} />;
  const parts = compactParts(sum);
  return (
    <span>
      {parts.digits}
      <span className="unit">
        {parts.unit ? ` ${parts.unit}` : ""}
        {unit ? ` ${unit}` : ""}
      </span>
    </span>
  );
}

interface FlashPriceProps {
  price: number | null;
  isStale: boolean;
  why: string;
  /** In a column, where the decimal points stand under each other. */
  isAligned?: boolean;
}

/** A price that flashes once when it changes. */
export function FlashPrice({ price, isStale, why, isAligned = false }: FlashPriceProps) {
  const [shown, setShown] = useState({ price, went: "", changes: 0 });
  if (shown.price !== price) {
    const went = shown.price === null || price === null ? "" : price > shown.price ? "up" : "down";
    setShown({ price, went, changes: shown.changes + 1 });
  }
  if (price === null) return <Missing why={why} />;
  const { whole, fraction } = priceParts(price);
  return (
    // A new key makes a new element, and so the animation starts again.
    <span key={shown.changes} className={`flash ${isStale ? "stale" : ""}`} data-went={shown.went}>
      {whole}
      <span className={isAligned ? "fraction" : ""}>{fraction}</span>
    </span>
  );
}

export function Age({ of, why }: { of: string | null; why: string }) {
  const { zone } = usePlatform();
  const age = useAge(of);
  if (of === null) return <Missing why={why} />;
  return (
    <time dateTime={of} title={formatMoment(of, zone)}>
      {age}
    </time>
  );
}

/** A moment in the reader's zone, the other one in the tooltip. */
export function Moment({ at, style }: { at: string | null; style: "time" | "minute" | "date" | "dateTime" | "dateMinute" }) {
  const { zone } = usePlatform();
  if (at === null) return <Missing why="Not known" />;
  return (
    <time dateTime={at} title={`${formatMoment(at, zone)} · ${zoneLabel(zone)}`}>
      {formatTime(at, zone, style)}
    </time>
  );
}
