/**
 * What every chart over time shares: axes, theme, zone, and a crosshair for pointer and keys.
 * Wraps lightweight-charts; knows no React. One slot for each interval, empty ones included.
 */
import {
  ColorType,
  createChart,
  CrosshairMode,
  type IChartApi,
  type ISeriesApi,
  type Logical,
  type MouseEventParams,
  TickMarkType,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import { formatPrice, formatTime, priceDecimals, type Zone } from "../format";
import { type Palette, readPalette } from "./palette";

export const CHART_FONT = "InterVariable, system-ui, sans-serif";

/** Left free beside the newest slot, for the age of the last price. */
const ROOM_AT_RIGHT_PX = 56;

export interface TimeSlot {
  openMs: number;
}

/** Hears the opening of the slot under the crosshair, null when it left. */
export type OnPoint = (openMs: number | null) => void;

export function seconds(slot: TimeSlot): UTCTimestamp {
  return (slot.openMs / 1000) as UTCTimestamp;
}

function tickText(time: Time, kind: TickMarkType, zone: Zone): string {
  const ms = Number(time) * 1000;
  if (kind === TickMarkType.Year) return formatTime(ms, zone, "date").slice(0, 4);
  if (kind === TickMarkType.Month) return formatTime(ms, zone, "date").slice(0, 7);
  if (kind === TickMarkType.DayOfMonth) return formatTime(ms, zone, "date").slice(5);
  return formatTime(ms, zone, kind === TickMarkType.TimeWithSeconds ? "time" : "minute");
}

export abstract class TimeChart<Slot extends TimeSlot, View> {
  protected readonly chart: IChartApi;
  protected palette: Palette;
  protected slots: readonly Slot[] = [];
  readonly #onPoint: OnPoint;
  readonly #box: HTMLElement;
  #decimals = -1;
  #zone: Zone = "UTC";
  #hasSeconds = false;
  #pointed: number | null = null;

  constructor(box: HTMLElement, onPoint: OnPoint) {
    this.#box = box;
    this.#onPoint = onPoint;
    this.palette = readPalette();
    // The attribution stands as a visible link under the chart: the library's own logo brings a
    // style element with it, which the Content-Security-Policy refuses.
    this.chart = createChart(box, {
      autoSize: true,
      layout: { attributionLogo: false, fontFamily: CHART_FONT, fontSize: 11 },
      crosshair: { mode: CrosshairMode.Normal },
      rightPriceScale: { borderVisible: false },
      timeScale: { borderVisible: false, timeVisible: true, secondsVisible: false, rightOffsetPixels: ROOM_AT_RIGHT_PX },
    });
    this.#paintFrame();
    this.chart.subscribeCrosshairMove((event: MouseEventParams<Time>) => {
      this.#point(event.time === undefined ? null : (event.logical ?? null));
    });
  }

  abstract show(view: View): void;

  /** Draws everything again, in the colours of `palette`. */
  protected abstract draw(): void;

  /** The series that carries the price. */
  protected abstract get priced(): ISeriesApi<"Candlestick" | "Line">;

  /** The price that a slot ends with; null in an empty one. */
  protected abstract priceOf(slot: Slot): number | null;

  /** Age of the last price, on its label at the axis. */
  showAge(age: string): void {
    this.priced.applyOptions({ title: age });
  }

  showZone(zone: Zone): void {
    this.#zone = zone;
    this.#writeTimes();
  }

  /** Reads the theme's colours again. */
  repaint(): void {
    this.palette = readPalette();
    this.#paintFrame();
    this.draw();
  }

  /** Moves the crosshair by slots that hold a price; from none it starts at the newest. */
  step(by: 1 | -1): void {
    let at = this.#pointed === null ? this.slots.length - (by < 0 ? 0 : 1) : this.#pointed;
    let slot: Slot | undefined;
    let price: number | null = null;
    do {
      at += by;
      slot = this.slots[at];
      price = slot ? this.priceOf(slot) : null;
    } while (slot && price === null);
    if (!slot || price === null) return;
    this.#bringIntoView(at);
    this.chart.setCrosshairPosition(price, seconds(slot), this.priced);
    // A crosshair set by code raises no event.
    this.#point(at);
  }

  remove(): void {
    this.chart.remove();
  }

  protected fit(): void {
    this.chart.timeScale().fitContent();
  }

  /** One number of decimals for the whole axis, by the newest price. */
  protected shareDecimals(): void {
    const last = this.slots.at(-1);
    const price = last ? this.priceOf(last) : null;
    if (price === null || priceDecimals(price) === this.#decimals) return;
    this.#decimals = priceDecimals(price);
    const formatter = (shown: number): string => formatPrice(shown, this.#decimals);
    this.priced.applyOptions({ priceFormat: { type: "custom", formatter, minMove: 10 ** -this.#decimals } });
  }

  /** Bars shorter than a minute need the seconds on the axis. */
  protected showSeconds(hasSeconds: boolean): void {
    if (hasSeconds === this.#hasSeconds) return;
    this.#hasSeconds = hasSeconds;
    this.#writeTimes();
  }

  /** States on the element what the canvas shows, as data-`name`. */
  protected state(name: string, text: string): void {
    if (this.#box.dataset[name] !== text) this.#box.dataset[name] = text;
  }

  #writeTimes(): void {
    const zone = this.#zone;
    const style = this.#hasSeconds ? "dateTime" : "dateMinute";
    this.chart.applyOptions({
      localization: { timeFormatter: (time: Time) => formatTime(Number(time) * 1000, zone, style) },
      timeScale: {
        secondsVisible: this.#hasSeconds,
        tickMarkFormatter: (time: Time, kind: TickMarkType) => tickText(time, kind, zone),
      },
    });
  }

  #point(at: number | null): void {
    this.#pointed = at;
    this.#onPoint(at === null ? null : (this.slots[at]?.openMs ?? null));
  }

  #bringIntoView(at: number): void {
    const scale = this.chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    if (!range || (at >= range.from && at <= range.to)) return;
    const shift = at < range.from ? at - range.from - 2 : at - range.to + 2;
    scale.setVisibleLogicalRange({ from: (range.from + shift) as Logical, to: (range.to + shift) as Logical });
  }

  #paintFrame(): void {
    const { surface, ink3, line, lineStrong, accent } = this.palette;
    const crosshair = { color: ink3, labelBackgroundColor: accent };
    this.chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: surface },
        textColor: ink3,
        panes: { separatorColor: lineStrong, separatorHoverColor: line },
      },
      grid: { vertLines: { color: line }, horzLines: { color: line } },
      crosshair: { vertLine: crosshair, horzLine: crosshair },
      rightPriceScale: { borderColor: lineStrong },
    });
  }
}
