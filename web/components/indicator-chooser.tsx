"use client";
/** Opens a sheet of switches, one an indicator. The choice lives in the address. */
import { useEffect, useRef } from "react";
import { type IndicatorKey, INDICATOR_KEYS, INDICATORS, toggled } from "@/lib/chart/indicators";
import { formatCount } from "@/lib/format";
import { isKeyOfOthers } from "./keyboard";

interface Props {
  chosen: readonly IndicatorKey[];
  choose: (chosen: IndicatorKey[]) => void;
  /** Why none can be shown; null when they can. */
  whyNot: string | null;
}

const PLACES = [
  ["price", "Over the price"],
  ["pane", "In a pane of its own"],
] as const;

export function IndicatorChooser({ chosen, choose, whyNot }: Props) {
  const sheet = useRef<HTMLDetailsElement>(null);
  useLightDismiss(sheet);
  if (whyNot !== null) {
    return (
      <span className="segments">
        <span aria-disabled="true" title={whyNot}>Indicators</span>
      </span>
    );
  }
  return (
    <details ref={sheet} className="group sm:relative" data-testid="indicator-chooser">
      <summary className="field flex cursor-pointer list-none items-center gap-1.5 group-open:bg-surface-2 hover:bg-surface-2">
        Indicators
        {chosen.length > 0 && <span className="text-accent">{formatCount(chosen.length)}</span>}
      </summary>
      <div
        className="panel absolute inset-x-2 z-10 mt-1 grid gap-3 border-line-strong p-3 sm:inset-x-auto sm:left-0 sm:w-[372px]"
        role="group"
        aria-label="Indicators of the chart"
      >
        {PLACES.map(([place, title]) => (
          <fieldset key={place}>
            <legend className="label mb-1.5">{title}</legend>
            <div className="grid grid-cols-4 gap-1.5">
              {INDICATOR_KEYS.filter((key) => INDICATORS[key].place === place).map((key) => (
                <Switch key={key} indicator={key} isOn={chosen.includes(key)} toggle={() => choose(toggled(chosen, key))} />
              ))}
            </div>
          </fieldset>
        ))}
        <button type="button" className="field justify-self-start" disabled={chosen.length === 0} onClick={() => choose([])}>
          None
        </button>
      </div>
    </details>
  );
}

function Switch({ indicator, isOn, toggle }: { indicator: IndicatorKey; isOn: boolean; toggle: () => void }) {
  const { label, about, place } = INDICATORS[indicator];
  const isWide = place === "pane" || indicator === "bollinger";
  return (
    <button
      type="button"
      className={`switch ${isWide ? "col-span-2" : ""}`}
      aria-pressed={isOn}
      title={about}
      onClick={toggle}
    >
      {label}
    </button>
  );
}

/** `i` opens and closes it; Escape and a press outside close it. */
function useLightDismiss(sheet: React.RefObject<HTMLDetailsElement | null>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const details = sheet.current;
      if (!details) return;
      const isSwitching = event.key === "i" && !isKeyOfOthers(event);
      if (!isSwitching && !(event.key === "Escape" && details.open)) return;
      details.open = isSwitching && !details.open;
      details.querySelector("summary")?.focus();
    };
    const onPress = (event: PointerEvent): void => {
      const details = sheet.current;
      if (details?.open && event.target instanceof Node && !details.contains(event.target)) details.open = false;
    };
    document.addEventListener("keydown", onKey);
    document.addEventListener("pointerdown", onPress);
    return () => {
      document.removeEventListener("keydown", onKey);
      document.removeEventListener("pointerdown", onPress);
    };
  }, [sheet]);
}
