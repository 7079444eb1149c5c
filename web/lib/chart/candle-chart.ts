/** The chart of one market: candles, volume, gaps. */
import { CandlestickSeries, HistogramSeries, type ISeriesApi, LineStyle } from "lightweight-charts";
import { formatCompact } from "../format";
import { changedSlots, type GapSpan, type Slot } from "./candle-series";
import { GapShading } from "./gap-shading";
import type { Palette } from "./palette";
import { type OnPoint, seconds, TimeChart } from "./time-chart";

const VOLUME_HEIGHT = 0.25;

export interface CandleView {
  slots: readonly Slot[];
  gaps: readonly GapSpan[];
}

function candlePoint(slot: Slot, palette: Palette) {
  const { candle } = slot;
  if (!candle) return { time: seconds(slot) };
  const isUp = candle.close >= candle.open;
  const line = isUp ? palette.up : palette.down;
  const body = candle.is_final ? line : isUp ? palette.upPale : palette.downPale;
  const { open, high, low, close } = candle;
  return { time: seconds(slot), open, high, low, close, color: body, borderColor: line, wickColor: line };
}

function volumePoint(slot: Slot, palette: Palette) {
  const { candle } = slot;
  if (!candle) return { time: seconds(slot) };
  const isUp = candle.close >= candle.open;
  const sure = isUp ? palette.upVolume : palette.downVolume;
  const pale = isUp ? palette.upVolumePale : palette.downVolumePale;
  return { time: seconds(slot), value: candle.volume, color: candle.is_final ? sure : pale };
}

export class CandleChart extends TimeChart<Slot, CandleView> {
  readonly #candles: ISeriesApi<"Candlestick">;
  readonly #volume: ISeriesApi<"Histogram">;
  readonly #shading: GapShading;
  #gaps: readonly GapSpan[] = [];

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
    this.#shading = new GapShading(this.palette);
    this.#candles.attachPrimitive(this.#shading);
  }

  show({ slots, gaps }: CandleView): void {
    const changed = changedSlots(this.slots, slots);
    const isFirst = this.slots.length === 0;
    this.slots = slots;
    this.#gaps = gaps;
    this.shareDecimals();
    if (changed === null) {
      this.draw();
    } else {
      this.#update(changed);
      this.#shading.show(gaps, this.palette);
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
    this.#shading.show(this.#gaps, this.palette);
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
