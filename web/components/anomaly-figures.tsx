/** The pieces that show one figure or word of an anomaly. */
import { SEVERITY_NAMES } from "@/app/anomalies/anomalies-state";
import { amountParts } from "@/lib/anomaly";
import type { Severity } from "@/lib/api/types";
import { Missing } from "./figures";

const WEIGHTS: Record<Severity, string> = {
  low: "text-ink-3",
  medium: "text-ink-2",
  high: "font-semibold text-ink",
  critical: "font-semibold text-delayed",
};

/** The word says it; weight and colour only help the eye down a column. */
export function SeverityWord({ severity }: { severity: Severity }) {
  return <span className={WEIGHTS[severity]}>{SEVERITY_NAMES[severity]}</span>;
}

export function Amount({ amount, unit, why = "Not known" }: { amount: number | null; unit: string; why?: string }) {
  if (amount === null) return <Missing why={why} />;
  const parts = amountParts(amount, unit);
  return (
    <span>
      {parts.digits} <span className="unit">{parts.unit}</span>
    </span>
  );
}
