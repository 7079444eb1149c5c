/** The price of a coin as a line of its snapshots; broken where none arrived. */
import { type ISeriesApi, LineSeries, LineStyle } from "lightweight-charts";
import type { Palette } from "./palette";
import type { PriceSlot } from "./price-points";
import { type OnPoint, seconds, TimeChart } from "./time-chart";

const NO_LINE = "rgba(0, 0, 0, 0)";
/** Fewer points than this are shown as points too: a line of one is nothing. */
const FEW_POINTS = 30;

/** A point has the colour of the line that leads on from it, so the last one before a hole has none. */
function linePoint(slot: PriceSlot, next: PriceSlot | undefined, palette: Palette) {
  if (!slot.point) return { time: seconds(slot) };
  const isBeforeHole = next !== undefined && next.point === null;
  return { time: seconds(slot), value: slot.point.price_usd, color: isBeforeHole ? NO_LINE : palette.accent };
}

export class PriceLine extends TimeChart<PriceSlot, readonly PriceSlot[]> {
  readonly #line: ISeriesApi<"Line">;

  constructor(box: HTMLElement, onPoint: OnPoint) {
    super(box, onPoint);
    this.#line = this.chart.addSeries(LineSeries, {
      lineWidth: 2,
      priceLineStyle: LineStyle.Dashed,
      priceLineWidth: 1,
    });
  }

  show(slots: readonly PriceSlot[]): void {
    const isFirst = this.slots.length === 0;
    this.slots = slots;
    this.shareDecimals();
    this.draw();
    if (isFirst) this.fit();
  }

  protected override get priced() {
    return this.#line;
  }

  protected override priceOf(slot: PriceSlot): number | null {
    return slot.point?.price_usd ?? null;
  }

  protected override draw(): void {
    this.#line.applyOptions({ color: this.palette.accent, pointMarkersVisible: this.slots.length < FEW_POINTS });
    this.#line.setData(this.slots.map((slot, at) => linePoint(slot, this.slots[at + 1], this.palette)));
  }
}
