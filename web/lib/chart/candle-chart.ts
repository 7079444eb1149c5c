/** The chart of one market: candles, volume, gaps. Wraps lightweight-charts; knows no React. */
import {
  CandlestickSeries,
  ColorType,
  createChart,
  CrosshairMode,
  HistogramSeries,
  type IChartApi,
  type ISeriesApi,
  LineStyle,
  type Logical,
  type MouseEventParams,
  TickMarkType,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import { formatCompact, formatPrice, formatTime, priceDecimals, type Zone } from "../format";
import { changedSlots, type GapSpan, type Slot } from "./candle-series";
import { GapShading } from "./gap-shading";
import { type Palette, readPalette } from "./palette";

const VOLUME_HEIGHT = 0.25;
/** Left free beside the newest bar, for the age of the last price. */
const ROOM_AT_RIGHT_PX = 56;

export interface ChartView {
  slots: readonly Slot[];
  gaps: readonly GapSpan[];
}

function seconds(slot: Slot): UTCTimestamp {
  return (slot.openMs / 1000) as UTCTimestamp;
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

function tickText(time: Time, kind: TickMarkType, zone: Zone): string {
  const ms = Number(time) * 1000;
  if (kind === TickMarkType.Year) return formatTime(ms, zone, "date").slice(0, 4);
  if (kind === TickMarkType.Month) return formatTime(ms, zone, "date").slice(0, 7);
  if (kind === TickMarkType.DayOfMonth) return formatTime(ms, zone, "date").slice(5);
  return formatTime(ms, zone, "minute");
}

export class CandleChart {
  readonly #chart: IChartApi;
  readonly #candles: ISeriesApi<"Candlestick">;
  readonly #volume: ISeriesApi<"Histogram">;
  readonly #shading: GapShading;
  readonly #onPoint: (openMs: number | null) => void;
  #palette: Palette;
  #slots: readonly Slot[] = [];
  #gaps: readonly GapSpan[] = [];
  #decimals = -1;
  #pointed: number | null = null;

  /** `onPoint` hears the opening of the slot under the crosshair, null when it left. */
  constructor(box: HTMLElement, onPoint: (openMs: number | null) => void) {
    this.#onPoint = onPoint;
    this.#palette = readPalette();
    // The attribution stands as a visible link under the chart: the library's own logo brings a
    // style element with it, which the Content-Security-Policy refuses.
    this.#chart = createChart(box, {
      autoSize: true,
      layout: { attributionLogo: false, fontFamily: "InterVariable, system-ui, sans-serif", fontSize: 11 },
      crosshair: { mode: CrosshairMode.Normal },
      rightPriceScale: { borderVisible: false },
      timeScale: { borderVisible: false, timeVisible: true, secondsVisible: false, rightOffsetPixels: ROOM_AT_RIGHT_PX },
    });
    this.#candles = this.#chart.addSeries(CandlestickSeries, {
      borderVisible: true,
      priceLineStyle: LineStyle.Dashed,
      priceLineWidth: 1,
    });
    this.#candles.priceScale().applyOptions({ scaleMargins: { top: 0.06, bottom: VOLUME_HEIGHT + 0.03 } });
    this.#volume = this.#chart.addSeries(HistogramSeries, {
      priceScaleId: "volume",
      priceLineVisible: false,
      lastValueVisible: false,
      priceFormat: { type: "custom", formatter: formatCompact, minMove: 1e-12 },
    });
    this.#volume.priceScale().applyOptions({ scaleMargins: { top: 1 - VOLUME_HEIGHT, bottom: 0 } });
    this.#shading = new GapShading(this.#palette);
    this.#candles.attachPrimitive(this.#shading);
    this.#applyPalette();
    this.#chart.subscribeCrosshairMove((event: MouseEventParams<Time>) => {
      this.#point(event.time === undefined ? null : (event.logical ?? null));
    });
  }

  show({ slots, gaps }: ChartView): void {
    const changed = changedSlots(this.#slots, slots);
    const isFirst = this.#slots.length === 0;
    this.#slots = slots;
    this.#gaps = gaps;
    this.#shareDecimals();
    if (changed === null) this.#fill();
    else this.#update(changed);
    this.#shading.show(gaps, this.#palette);
    if (isFirst) this.fit();
  }

  /** Age of the last price, on its label at the axis. */
  showAge(age: string): void {
    this.#candles.applyOptions({ title: age });
  }

  showZone(zone: Zone): void {
    this.#chart.applyOptions({
      localization: { timeFormatter: (time: Time) => formatTime(Number(time) * 1000, zone, "dateMinute") },
      timeScale: { tickMarkFormatter: (time: Time, kind: TickMarkType) => tickText(time, kind, zone) },
    });
  }

  /** Reads the theme's colours again. */
  repaint(): void {
    this.#palette = readPalette();
    this.#applyPalette();
    this.#fill();
    this.#shading.show(this.#gaps, this.#palette);
  }

  fit(): void {
    this.#chart.timeScale().fitContent();
  }

  /** Moves the crosshair by bars that were traded; from none it starts at the newest. */
  step(by: 1 | -1): void {
    let at = this.#pointed === null ? this.#slots.length - (by < 0 ? 0 : 1) : this.#pointed;
    do at += by;
    while (this.#slots[at] && !this.#slots[at]?.candle);
    const slot = this.#slots[at];
    if (!slot?.candle) return;
    this.#bringIntoView(at);
    this.#chart.setCrosshairPosition(slot.candle.close, seconds(slot), this.#candles);
    // A crosshair set by code raises no event.
    this.#point(at);
  }

  remove(): void {
    this.#chart.remove();
  }

  #point(at: number | null): void {
    this.#pointed = at;
    this.#onPoint(at === null ? null : (this.#slots[at]?.openMs ?? null));
  }

  #bringIntoView(at: number): void {
    const scale = this.#chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    if (!range || (at >= range.from && at <= range.to)) return;
    const shift = at < range.from ? at - range.from - 2 : at - range.to + 2;
    scale.setVisibleLogicalRange({ from: (range.from + shift) as Logical, to: (range.to + shift) as Logical });
  }

  #fill(): void {
    this.#candles.setData(this.#slots.map((slot) => candlePoint(slot, this.#palette)));
    this.#volume.setData(this.#slots.map((slot) => volumePoint(slot, this.#palette)));
  }

  #update(changed: readonly number[]): void {
    for (const at of changed) {
      const slot = this.#slots[at];
      if (!slot) continue;
      const isOlder = at < this.#slots.length - 1;
      const wasDrawn = isOlder && this.#candles.dataByIndex(at) !== null;
      this.#candles.update(candlePoint(slot, this.#palette), wasDrawn);
      this.#volume.update(volumePoint(slot, this.#palette), wasDrawn);
    }
  }

  /** One number of decimals for the whole axis, by the newest price. */
  #shareDecimals(): void {
    const close = this.#slots.at(-1)?.candle?.close;
    if (close === undefined || priceDecimals(close) === this.#decimals) return;
    this.#decimals = priceDecimals(close);
    const formatter = (price: number): string => formatPrice(price, this.#decimals);
    this.#candles.applyOptions({ priceFormat: { type: "custom", formatter, minMove: 10 ** -this.#decimals } });
  }

  #applyPalette(): void {
    const { surface, ink3, line, lineStrong, up, down } = this.#palette;
    const crosshair = { color: ink3, labelBackgroundColor: this.#palette.accent };
    this.#chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: surface }, textColor: ink3 },
      grid: { vertLines: { color: line }, horzLines: { color: line } },
      crosshair: { vertLine: crosshair, horzLine: crosshair },
      rightPriceScale: { borderColor: lineStrong },
    });
    this.#candles.applyOptions({ upColor: up, downColor: down });
  }
}
