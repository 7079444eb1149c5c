"use client";
/** React's side of a chart: hands it what changed, and gives it the keyboard. */
import { type KeyboardEvent, useEffect, useRef } from "react";
import { onThemeChange } from "@/lib/chart/palette";
import type { OnPoint, TimeChart, TimeSlot } from "@/lib/chart/time-chart";
import { useAge, usePlatform } from "./platform";

interface Props<View> {
  Chart: new (box: HTMLElement, onPoint: OnPoint) => TimeChart<TimeSlot, View>;
  /** Drawn again when it is another object. */
  view: View;
  /** When the last price was observed. */
  observedAt: string | null;
  label: string;
  onPoint: OnPoint;
}

export function ChartCanvas<View>({ Chart, view, observedAt, label, onPoint }: Props<View>) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<TimeChart<TimeSlot, View> | null>(null);
  const { zone } = usePlatform();
  const age = useAge(observedAt);

  useEffect(() => {
    if (!box.current) return;
    const made = new Chart(box.current, onPoint);
    chart.current = made;
    const stopWatching = onThemeChange(() => made.repaint());
    return () => {
      stopWatching();
      chart.current = null;
      made.remove();
    };
  }, [Chart, onPoint]);

  useEffect(() => chart.current?.showZone(zone), [zone]);
  useEffect(() => chart.current?.show(view), [view]);
  useEffect(() => chart.current?.showAge(observedAt === null ? "" : age), [age, observedAt]);

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
