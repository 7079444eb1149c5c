"use client";
/** React's side of the chart: hands it what changed, and gives it the keyboard. */
import { type KeyboardEvent, useEffect, useRef } from "react";
import { CandleChart } from "@/lib/chart/candle-chart";
import type { GapSpan, Slot } from "@/lib/chart/candle-series";
import { onThemeChange } from "@/lib/chart/palette";
import { useAge, usePlatform } from "./platform";

interface Props {
  slots: readonly Slot[];
  gaps: readonly GapSpan[];
  lastTradedAt: string | null;
  label: string;
  onPoint: (openMs: number | null) => void;
}

export function CandleCanvas({ slots, gaps, lastTradedAt, label, onPoint }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<CandleChart | null>(null);
  const { zone } = usePlatform();
  const age = useAge(lastTradedAt);

  useEffect(() => {
    if (!box.current) return;
    const made = new CandleChart(box.current, onPoint);
    chart.current = made;
    const stopWatching = onThemeChange(() => made.repaint());
    return () => {
      stopWatching();
      chart.current = null;
      made.remove();
    };
  }, [onPoint]);

  useEffect(() => chart.current?.showZone(zone), [zone]);
  useEffect(() => chart.current?.show({ slots, gaps }), [slots, gaps]);
  useEffect(() => chart.current?.showAge(lastTradedAt === null ? "" : age), [age, lastTradedAt]);

  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    chart.current?.step(event.key === "ArrowLeft" ? -1 : 1);
  };

  return (
    <div
      ref={box}
      className="absolute inset-0"
      role="img"
      aria-label={label}
      tabIndex={0}
      onKeyDown={onKey}
      data-testid="chart"
    />
  );
}
