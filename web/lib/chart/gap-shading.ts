/** Shades holes in the feed behind the candles, with a word where there is room for it. */
import type {
  IChartApiBase,
  IPrimitivePaneRenderer,
  IPrimitivePaneView,
  ISeriesPrimitive,
  Logical,
  SeriesAttachedParameter,
  Time,
} from "lightweight-charts";
import type { GapSpan } from "./candle-series";
import type { Palette } from "./palette";
import { CHART_FONT } from "./time-chart";

type DrawTarget = Parameters<IPrimitivePaneRenderer["draw"]>[0];

const LABEL_FONT = `11px ${CHART_FONT}`;
const LABEL_TOP = 14;
const LINE_HEIGHT = 14;

/** As much of what is known of a gap as fits into its shade. */
export function fittingLines(span: GapSpan, roomPx: number, widthOf: (text: string) => number): string[] {
  if (widthOf(span.words) <= roomPx) return [span.words];
  const lines = span.lines.filter((line) => widthOf(line) <= roomPx);
  if (lines.length > 0) return lines;
  return widthOf(span.word) <= roomPx ? [span.word] : [];
}

export class GapShading implements ISeriesPrimitive<Time> {
  #chart: IChartApiBase<Time> | null = null;
  #requestUpdate: (() => void) | null = null;
  #spans: readonly GapSpan[] = [];
  #palette: Palette;
  readonly #views: readonly IPrimitivePaneView[];

  readonly #onDrawn: ((labels: readonly string[]) => void) | null;

  /** `onDrawn` hears the label of each shade in the last frame, "" where there was no room; null: no labels. */
  constructor(palette: Palette, onDrawn: ((labels: readonly string[]) => void) | null) {
    this.#palette = palette;
    this.#onDrawn = onDrawn;
    const renderer: IPrimitivePaneRenderer = {
      draw: (target) => onDrawn && this.#drawLabels(target),
      drawBackground: (target) => this.#drawShades(target),
    };
    this.#views = [{ zOrder: () => "bottom", renderer: () => renderer }];
  }

  attached({ chart, requestUpdate }: SeriesAttachedParameter<Time>): void {
    this.#chart = chart;
    this.#requestUpdate = requestUpdate;
  }

  detached(): void {
    this.#chart = null;
    this.#requestUpdate = null;
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return this.#views;
  }

  show(spans: readonly GapSpan[], palette: Palette): void {
    this.#spans = spans;
    this.#palette = palette;
    this.#requestUpdate?.();
  }

  /** Left and right edge in pixels. */
  #edges(span: GapSpan): readonly [number, number] | null {
    const from = this.#edge(span.from);
    const to = this.#edge(span.to);
    return from === null || to === null ? null : [from, to];
  }

  /** The chart knows the middle of whole slots only; edges lie between them. */
  #edge(position: number): number | null {
    const scale = this.#chart?.timeScale();
    const slot = Math.floor(position);
    const middle = scale?.logicalToCoordinate(slot as Logical) ?? null;
    const next = scale?.logicalToCoordinate((slot + 1) as Logical) ?? null;
    if (middle === null || next === null) return null;
    return middle + (position - slot - 0.5) * (next - middle);
  }

  #drawShades(target: DrawTarget): void {
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      context.fillStyle = this.#palette.gap;
      for (const span of this.#spans) {
        const edges = this.#edges(span);
        if (edges) context.fillRect(edges[0], 0, Math.max(edges[1] - edges[0], 1), mediaSize.height);
      }
    });
  }

  #drawLabels(target: DrawTarget): void {
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      const drawn: string[] = [];
      context.font = LABEL_FONT;
      context.fillStyle = this.#palette.ink;
      context.textAlign = "center";
      for (const span of this.#spans) {
        const edges = this.#edges(span);
        if (!edges || edges[1] < 0 || edges[0] > mediaSize.width) continue;
        const lines = fittingLines(span, edges[1] - edges[0] - 8, (text) => context.measureText(text).width);
        for (const [at, line] of lines.entries()) {
          context.fillText(line, (edges[0] + edges[1]) / 2, LABEL_TOP + at * LINE_HEIGHT);
        }
        drawn.push(lines.join(", "));
      }
      this.#onDrawn?.(drawn);
    });
  }
}
