/** The pieces around every chart: segments to pick from, the box, the empty state, the footer. */
import Link from "next/link";
import type { CSSProperties, ReactNode } from "react";

export interface Segment {
  label: string;
  href: string;
  isCurrent: boolean;
  /** Why it cannot be picked; null when it can. */
  whyNot: string | null;
}

export function Segments({ name, segments }: { name: string; segments: readonly Segment[] }) {
  return (
    <div className="segments" role="group" aria-label={name}>
      {segments.map(({ label, href, isCurrent, whyNot }) =>
        whyNot === null ? (
          <Link key={label} href={href} replace scroll={false} prefetch={false} aria-current={isCurrent ? "true" : undefined}>
            {label}
          </Link>
        ) : (
          <span key={label} aria-disabled="true" title={whyNot}>
            {label}
          </span>
        ),
      )}
    </div>
  );
}

interface FrameProps {
  /** How many panes stand under the price. */
  panes?: number;
  pickers: ReactNode;
  legend: ReactNode;
  footnotes: ReactNode;
  children: ReactNode;
}

export function ChartFrame({ panes = 0, pickers, legend, footnotes, children }: FrameProps) {
  return (
    <section className="panel flex min-w-0 flex-col" aria-label="Chart">
      <div className="relative flex flex-wrap items-center justify-between gap-2 border-b border-line p-2">{pickers}</div>
      {legend}
      <div className="chart-box" style={{ "--panes": panes } as CSSProperties}>{children}</div>
      <footer className="flex flex-wrap items-center gap-x-4 gap-y-1 border-t border-line px-3 py-2 text-[12px] text-ink-3">
        {footnotes}
        <a className="ml-auto hover:text-ink" href="https://www.tradingview.com/" rel="noreferrer" target="_blank">
          Charts by TradingView Lightweight Charts™
        </a>
      </footer>
    </section>
  );
}

/** In the place of a chart that has nothing to draw. */
export function NothingToDraw({ what, why }: { what: string; why: string }) {
  return (
    <div className="absolute inset-0 flex items-center justify-center p-6 text-center" data-testid="nothing-to-draw">
      <div className="max-w-sm text-[13px]">
        <p className="mb-1 font-semibold">{what}</p>
        <p className="text-ink-2">{why}</p>
      </div>
    </div>
  );
}
