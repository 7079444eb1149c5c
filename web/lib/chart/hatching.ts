/** Hatches what may still change: the bodies of provisional bars, and their volume. */
import type {
  IChartApiBase,
  IPrimitivePaneRenderer,
  IPrimitivePaneView,
  ISeriesApi,
  ISeriesPrimitive,
  Logical,
  SeriesAttachedParameter,
  SeriesType,
  Time,
} from "lightweight-charts";

type DrawTarget = Parameters<IPrimitivePaneRenderer["draw"]>[0];

/** Between two lines of the hatch, CSS pixels. */
const HATCH_STEP_PX = 4;
/** Narrower boxes have no room for an outline beside the hatch. */
const OUTLINED_FROM_PX = 5;

export interface HatchedBox {
  /** Index of the slot. */
  at: number;
  /** Top and bottom on the series' own scale, in any order. */
  from: number;
  to: number;
  ink: string;
}

/** Width of a candle's body as lightweight-charts draws it, in device pixels. */
export function bodyWidthPx(barSpacing: number, pixelRatio: number): number {
  const spacing = Math.floor(barSpacing * pixelRatio);
  if (barSpacing >= 2.5 && barSpacing <= 4) return Math.floor(3 * pixelRatio);
  const shrink = 1 - (0.2 * Math.atan(Math.max(4, barSpacing) - 4)) / (Math.PI / 2);
  const width = Math.min(Math.floor(barSpacing * shrink * pixelRatio), spacing);
  const whole = Math.max(Math.floor(pixelRatio), width);
  // A body stands evenly around its wick.
  return whole >= 2 && whole % 2 !== Math.floor(pixelRatio) % 2 ? whole - 1 : whole;
}

export class Hatching implements ISeriesPrimitive<Time> {
  readonly #onDrawn: (count: number) => void;
  #chart: IChartApiBase<Time> | null = null;
  #series: ISeriesApi<SeriesType> | null = null;
  #requestUpdate: (() => void) | null = null;
  #boxes: readonly HatchedBox[] = [];
  readonly #views: readonly IPrimitivePaneView[];

  /** `onDrawn` hears how many boxes the last frame shows. */
  constructor(onDrawn: (count: number) => void = () => undefined) {
    this.#onDrawn = onDrawn;
    const renderer: IPrimitivePaneRenderer = { draw: (target) => this.#draw(target) };
    this.#views = [{ zOrder: () => "normal", renderer: () => renderer }];
  }

  attached({ chart, series, requestUpdate }: SeriesAttachedParameter<Time>): void {
    this.#chart = chart;
    this.#series = series;
    this.#requestUpdate = requestUpdate;
  }

  detached(): void {
    this.#chart = null;
    this.#series = null;
    this.#requestUpdate = null;
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return this.#views;
  }

  show(boxes: readonly HatchedBox[]): void {
    this.#boxes = boxes;
    this.#requestUpdate?.();
  }

  #draw(target: DrawTarget): void {
    const scale = this.#chart?.timeScale();
    const series = this.#series;
    if (!scale || !series) return;
    const { barSpacing } = scale.options();
    target.useBitmapCoordinateSpace(({ context, bitmapSize, horizontalPixelRatio: across, verticalPixelRatio: down }) => {
      const width = bodyWidthPx(barSpacing, across);
      let count = 0;
      for (const box of this.#boxes) {
        const middle = scale.logicalToCoordinate(box.at as Logical);
        const from = series.priceToCoordinate(box.from);
        const to = series.priceToCoordinate(box.to);
        if (middle === null || from === null || to === null) continue;
        const left = Math.round(middle * across) - Math.floor(width / 2);
        if (left + width < 0 || left > bitmapSize.width) continue;
        const top = Math.round(Math.min(from, to) * down);
        const height = Math.max(Math.round(Math.max(from, to) * down) - top, 1);
        hatch(context, { left, top, width, height, ink: box.ink, ratio: across });
        count += 1;
      }
      this.#onDrawn(count);
    });
  }
}

interface Hatch {
  left: number;
  top: number;
  width: number;
  height: number;
  ink: string;
  ratio: number;
}

function hatch(context: CanvasRenderingContext2D, { left, top, width, height, ink, ratio }: Hatch): void {
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.strokeStyle = ink;
  context.lineWidth = Math.max(1, Math.round(ratio));
  if (width >= OUTLINED_FROM_PX * ratio) context.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
  context.beginPath();
  const step = HATCH_STEP_PX * ratio;
  for (let foot = top - (top % step); foot < top + height + width; foot += step) {
    context.moveTo(left, foot);
    context.lineTo(left + width, foot - width);
  }
  context.stroke();
  context.restore();
}
