/** Draws the chosen indicators: lines over the price, and panes of their own under it. */
import {
  type AutoscaleInfo,
  createTextWatermark,
  HistogramSeries,
  type IChartApi,
  type ISeriesApi,
  LineSeries,
  LineStyle,
} from "lightweight-charts";
import { priceDecimals } from "../format";
import type { GapSpan, Slot } from "./candle-series";
import { GapShading } from "./gap-shading";
import { type AnalyticsAt, changedFrom, type IndicatorPoint, indicatorPoints } from "./indicator-series";
import { type IndicatorKey, type IndicatorLine, INDICATORS, type Unit, WRITTEN } from "./indicators";
import type { Palette } from "./palette";
import { CHART_FONT, seconds } from "./time-chart";

/** The price is so many times as high as a pane under it. */
const PRICE_STRETCH = 4;
const TITLE_TOP_PX = 6;
/** Twice the room at its left. */
const TITLE_LINE_PX = 22;
const NO_LINE = "rgba(0, 0, 0, 0)";

export interface IndicatorView {
  chosen: readonly IndicatorKey[];
  rows: AnalyticsAt;
}

interface DrawnLine {
  line: IndicatorLine;
  series: ISeriesApi<"Line"> | ISeriesApi<"Histogram">;
  points: readonly IndicatorPoint[];
}

interface Drawn {
  lines: DrawnLine[];
  /** In a pane of its own, which the gaps run through too. */
  shading: GapShading | null;
  title: { detach: () => void } | null;
  /** Of the axis, by the largest number. */
  decimals: number;
}

function withLevels(levels: readonly number[]) {
  return (original: () => AutoscaleInfo | null): AutoscaleInfo | null => {
    const own = original();
    if (!own?.priceRange || levels.length === 0) return own;
    const { minValue, maxValue } = own.priceRange;
    return { ...own, priceRange: { minValue: Math.min(minValue, ...levels), maxValue: Math.max(maxValue, ...levels) } };
  };
}

export class IndicatorDrawing {
  readonly #chart: IChartApi;
  #palette: Palette;
  #chosen: readonly IndicatorKey[] = [];
  #drawn = new Map<IndicatorKey, Drawn>();

  constructor(chart: IChartApi, palette: Palette) {
    this.#chart = chart;
    this.#palette = palette;
  }

  show({ chosen, rows }: IndicatorView, slots: readonly Slot[], gaps: readonly GapSpan[], palette: Palette): void {
    if (chosen.join() !== this.#chosen.join() || palette !== this.#palette) {
      this.#palette = palette;
      this.#replace(chosen);
    }
    for (const [key, drawn] of this.#drawn) {
      for (const one of drawn.lines) this.#fill(one, indicatorPoints(slots, rows, one.line.field, gaps));
      const sizes = drawn.lines.flatMap(({ points }) => points.map(({ value }) => Math.abs(value ?? 0)));
      if (INDICATORS[key].unit === "price") drawn.decimals = priceDecimals(sizes.reduce((a, b) => Math.max(a, b), 0));
      drawn.shading?.show(gaps, palette);
    }
  }

  /** Labels of the panes under the price, from the top. */
  get panes(): string[] {
    return [...this.#drawn.keys()].filter((key) => INDICATORS[key].place === "pane").map((key) => INDICATORS[key].label);
  }

  #replace(chosen: readonly IndicatorKey[]): void {
    for (const { lines, title } of this.#drawn.values()) {
      title?.detach();
      for (const { series } of lines) this.#chart.removeSeries(series);
    }
    this.#chosen = chosen;
    this.#drawn = new Map();
    let pane = 0;
    for (const key of chosen) {
      const isOwnPane = INDICATORS[key].place === "pane";
      if (isOwnPane) pane += 1;
      this.#drawn.set(key, this.#add(key, isOwnPane ? pane : 0));
    }
    for (const [at, one] of this.#chart.panes().entries()) one.setStretchFactor(at === 0 ? PRICE_STRETCH : 1);
  }

  #add(key: IndicatorKey, pane: number): Drawn {
    const { label, unit, lines, levels } = INDICATORS[key];
    const drawn: Drawn = { lines: [], shading: null, title: null, decimals: 2 };
    drawn.lines = lines.map((line) => ({ line, series: this.#addSeries(line, unit, levels, pane, drawn), points: [] }));
    if (pane === 0) return drawn;
    const first = drawn.lines[0]?.series;
    const { lineStrong, ink3 } = this.#palette;
    for (const price of levels) {
      first?.createPriceLine({ price, color: lineStrong, lineWidth: 1, lineStyle: LineStyle.Dashed, axisLabelVisible: false, title: "" });
    }
    first?.priceScale().applyOptions({ scaleMargins: { top: 0.24, bottom: 0.08 } });
    drawn.shading = new GapShading(this.#palette, null);
    first?.attachPrimitive(drawn.shading);
    const held = this.#chart.panes()[pane];
    if (held) {
      drawn.title = createTextWatermark(held, {
        horzAlign: "left",
        vertAlign: "top",
        // The blank line keeps it off the border.
        lines: [
          { text: " ", lineHeight: TITLE_TOP_PX },
          { text: label, color: ink3, fontSize: 11, lineHeight: TITLE_LINE_PX, fontFamily: CHART_FONT },
        ],
      });
    }
    return drawn;
  }

  #addSeries(line: IndicatorLine, unit: Unit, levels: readonly number[], pane: number, drawn: Drawn) {
    const common = {
      priceLineVisible: false,
      lastValueVisible: pane > 0 && line.style !== "columns",
      autoscaleInfoProvider: withLevels(pane > 0 ? levels : []),
      priceFormat: {
        type: "custom" as const,
        formatter: (shown: number) => WRITTEN[unit](shown, drawn.decimals),
        minMove: 1e-12,
      },
    };
    if (line.style === "columns") return this.#chart.addSeries(HistogramSeries, { ...common, base: 0 }, pane);
    return this.#chart.addSeries(
      LineSeries,
      {
        ...common,
        color: this.#palette[line.ink],
        lineWidth: 1,
        lineStyle: line.style === "dashed" ? LineStyle.Dashed : LineStyle.Solid,
        crosshairMarkerVisible: false,
      },
      pane,
    );
  }

  #fill(drawn: DrawnLine, next: readonly IndicatorPoint[]): void {
    const from = changedFrom(drawn.points, next);
    drawn.points = next;
    if (from === null) {
      drawn.series.setData(next.map((point) => this.#point(drawn.line, point)));
      return;
    }
    for (const point of next.slice(from)) drawn.series.update(this.#point(drawn.line, point));
  }

  /** A point has the colour of the line that leads on from it, so the last one before a hole has none. */
  #point(line: IndicatorLine, { openMs, value, endsLine }: IndicatorPoint) {
    const time = seconds({ openMs });
    if (value === null) return { time };
    if (line.style === "columns") {
      return { time, value, color: value < 0 ? this.#palette.downVolume : this.#palette.upVolume };
    }
    return { time, value, color: endsLine ? NO_LINE : this.#palette[line.ink] };
  }
}
