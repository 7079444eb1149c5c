/** The chart of one market: candles, volume, gaps, indicators. */
import {
  CandlestickSeries,
  createSeriesMarkers,
  HistogramSeries,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  LineStyle,
  type Time,
} from "lightweight-charts";
import { formatCompact } from "../format";
import { changedSlots, type GapSpan, type Slot } from "./candle-series";
import { GapShading } from "./gap-shading";
import { type HatchedBox, Hatching } from "./hatching";
import { IndicatorDrawing, type IndicatorView } from "./indicator-drawing";
import type { Palette } from "./palette";
import { type OnPoint, seconds, TimeChart } from "./time-chart";

const VOLUME_HEIGHT = 0.25;
const MINUTE_MS = 60_000;

export interface CandleView extends IndicatorView {
  slots: readonly Slot[];
  gaps: readonly GapSpan[];
  intervalMs: number;
}

function candlePoint(slot: Slot, palette: Palette) {
  const { candle } = slot;
  if (!candle) return { time: seconds(slot) };
  const isUp = candle.close >= candle.open;
  const line = isUp ? palette.up : palette.down;
  // What may still change is pale under its hatch.
  const body = candle.is_final ? line : isUp ? palette.upPale : palette.downPale;
  const { open, high, low, close } = candle;
  return { time: seconds(slot), open, high, low, close, color: body, borderColor: body, wickColor: line };
}

function volumePoint(slot: Slot, palette: Palette) {
  const { candle } = slot;
  if (!candle) return { time: seconds(slot) };
  const isUp = candle.close >= candle.open;
  const sure = isUp ? palette.upVolume : palette.downVolume;
  const pale = isUp ? palette.upVolumePale : palette.downVolumePale;
  return { time: seconds(slot), value: candle.volume, color: candle.is_final ? sure : pale };
}

function provisionalBoxes(slots: readonly Slot[], palette: Palette): { bodies: HatchedBox[]; volumes: HatchedBox[] } {
  const bodies: HatchedBox[] = [];
  const volumes: HatchedBox[] = [];
  for (const [at, { candle }] of slots.entries()) {
    if (!candle || candle.is_final) continue;
    const isUp = candle.close >= candle.open;
    bodies.push({ at, from: candle.open, to: candle.close, ink: isUp ? palette.up : palette.down });
    volumes.push({ at, from: 0, to: candle.volume, ink: isUp ? palette.upVolume : palette.downVolume });
  }
  return { bodies, volumes };
}

export class CandleChart extends TimeChart<Slot, CandleView> {
  readonly #candles: ISeriesApi<"Candlestick">;
  readonly #volume: ISeriesApi<"Histogram">;
  readonly #shading: GapShading;
  readonly #hatchedBodies = new Hatching((count) => this.state("hatched", String(count)));
  readonly #hatchedVolumes = new Hatching();
  readonly #partial: ISeriesMarkersPluginApi<Time>;
  readonly #indicators: IndicatorDrawing;
  #view: CandleView | null = null;

  constructor(box: HTMLElement, onPoint: OnPoint) {
    super(box, onPoint);
    this.#candles = this.chart.addSeries(CandlestickSeries, {
      borderVisible: true,
      priceLineStyle: LineStyle.Dashed,
      priceLineWidth: 1,
    });
    this.#candles.priceScale().applyOptions({ scaleMargins: { top: 0.06, bottom: VOLUME_HEIGHT + 0.03 } });
    this.#volume = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "volume",
      priceLineVisible: false,
      lastValueVisible: false,
      priceFormat: { type: "custom", formatter: formatCompact, minMove: 1e-12 },
    });
    this.#volume.priceScale().applyOptions({ scaleMargins: { top: 1 - VOLUME_HEIGHT, bottom: 0 } });
    this.#shading = new GapShading(this.palette, (labels) => {
      this.state("shaded", String(labels.length));
      this.state("shadedAs", labels.join("; "));
    });
    this.#candles.attachPrimitive(this.#shading);
    this.#candles.attachPrimitive(this.#hatchedBodies);
    this.#volume.attachPrimitive(this.#hatchedVolumes);
    this.#partial = createSeriesMarkers(this.#candles, []);
    this.#indicators = new IndicatorDrawing(this.chart, this.palette);
  }

  show(view: CandleView): void {
    const changed = changedSlots(this.slots, view.slots);
    const isFirst = this.slots.length === 0;
    this.slots = view.slots;
    this.#view = view;
    this.shareDecimals();
    this.showSeconds(view.intervalMs < MINUTE_MS);
    if (changed === null) {
      this.draw();
    } else {
      this.#update(changed);
      this.#drawAround();
    }
    if (isFirst) this.fit();
  }

  protected override get priced() {
    return this.#candles;
  }

  protected override priceOf(slot: Slot): number | null {
    return slot.candle?.close ?? null;
  }

  protected override draw(): void {
    const { up, down } = this.palette;
    this.#candles.applyOptions({ upColor: up, downColor: down });
    this.#candles.setData(this.slots.map((slot) => candlePoint(slot, this.palette)));
    this.#volume.setData(this.slots.map((slot) => volumePoint(slot, this.palette)));
    this.#drawAround();
  }

  /** All that stands on and around the bars. */
  #drawAround(): void {
    const gaps = this.#view?.gaps ?? [];
    this.#shading.show(gaps, this.palette);
    const { bodies, volumes } = provisionalBoxes(this.slots, this.palette);
    this.#hatchedBodies.show(bodies);
    this.#hatchedVolumes.show(volumes);
    const partial = this.slots.filter((slot) => slot.candle?.is_partial);
    this.#partial.setMarkers(
      partial.map((slot) => ({
        time: seconds(slot),
        position: "belowBar",
        shape: "circle",
        size: 0.4,
        color: this.palette.ink3,
        text: "partial",
      })),
    );
    if (!this.#view) return;
    this.#indicators.show(this.#view, this.slots, gaps, this.palette);
    this.state("panes", this.#indicators.panes.join("; "));
  }

  #update(changed: readonly number[]): void {
    for (const at of changed) {
      const slot = this.slots[at];
      if (!slot) continue;
      const isOlder = at < this.slots.length - 1;
      const wasDrawn = isOlder && this.#candles.dataByIndex(at) !== null;
      this.#candles.update(candlePoint(slot, this.palette), wasDrawn);
      this.#volume.update(volumePoint(slot, this.palette), wasDrawn);
    }
  }
}
