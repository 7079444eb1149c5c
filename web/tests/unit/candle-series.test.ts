import { describe, expect, test } from "vitest";
import { changedSlots, changeInBar, gapAt, gapSpans, gapWords, mergeCandles, slotAt, slotsOf, tailFromMs } from "@/lib/chart/candle-series";
import { fittingLines } from "@/lib/chart/gap-shading";
import { candle, candles } from "./builders";

const MINUTE_MS = 60_000;
const NOON_MS = Date.parse("2023-03-11T12:00:00.000Z");

describe("slots", () => {
  test("leave a minute without trades empty", () => {
    const slots = slotsOf([candle(0), candle(3)], MINUTE_MS);
    expect(slots.map((slot) => slot.openMs - NOON_MS)).toEqual([0, 60_000, 120_000, 180_000]);
    expect(slots.map((slot) => slot.candle !== null)).toEqual([true, false, false, true]);
  });

  test("come in order from bars that do not, the later one of two that open together", () => {
    const slots = slotsOf([candle(2), candle(0), candle(2, { close: 101.5 }), candle(1), candle(0, { open_time: "?" })], MINUTE_MS);
    expect(slots.map((slot) => slot.openMs - NOON_MS)).toEqual([0, 60_000, 120_000]);
    expect(slots.map((slot) => slot.candle?.close)).toEqual([101, 101, 101.5]);
  });

  test("are not filled without end between bars that stand years apart", () => {
    const slots = slotsOf([candle(0), candle(3_000_000)], MINUTE_MS);
    expect(slots.map((slot) => slot.candle)).toEqual([candle(3_000_000)]);
  });

  test("are found by the moment they open", () => {
    const slots = slotsOf([candle(0), candle(2)], MINUTE_MS);
    expect(slotAt(slots, NOON_MS + 2 * MINUTE_MS, MINUTE_MS)?.candle).toEqual(candle(2));
    expect(slotAt(slots, NOON_MS + 9 * MINUTE_MS, MINUTE_MS)).toBeNull();
  });
});

describe("merging the tail", () => {
  test("replaces what changed and keeps the object of what did not", () => {
    const held = candles([candle(0), candle(1), candle(2, { close: 100.5, is_final: false })]);
    const merged = mergeCandles(held, candles([candle(1), candle(2, { close: 101.5 }), candle(3)]), 100);
    expect(merged.data.map(({ close }) => close)).toEqual([101, 101, 101.5, 101]);
    expect(merged.data[1]).toBe(held.data[1]);
    expect(merged.data[2]).not.toBe(held.data[2]);
  });

  test("drops a bar that the newer answer no longer has", () => {
    const merged = mergeCandles(candles([candle(0), candle(1), candle(2)]), candles([candle(1), candle(3)]), 100);
    expect(merged.data.map(({ open_time }) => open_time.slice(14, 16))).toEqual(["00", "01", "03"]);
  });

  test("takes an older bar that came late, wherever it stands in the answer", () => {
    const held = candles([candle(0), candle(3), candle(4)]);
    const merged = mergeCandles(held, candles([candle(4), candle(3), candle(1)]), 100);
    expect(slotsOf(merged.data, MINUTE_MS).map((slot) => slot.candle !== null)).toEqual([true, true, false, true, true]);
  });

  test("keeps everything when the newer answer is empty", () => {
    const held = candles([candle(0)]);
    expect(mergeCandles(held, candles([]), 100).data).toBe(held.data);
  });

  test("keeps no more bars than asked for, the newest", () => {
    const merged = mergeCandles(candles([candle(0), candle(1)]), candles([candle(2)]), 2);
    expect(merged.data).toEqual([candle(1), candle(2)]);
  });

  test("joins the gaps of both answers once", () => {
    const gap = (minute: number) => ({ from: candle(minute).open_time, to: candle(minute + 1).open_time, missing_trades: null });
    const merged = mergeCandles(candles([candle(0), candle(4)], [gap(1), gap(3)]), candles([candle(2)], [gap(3)]), 100);
    expect(merged.meta.gaps).toEqual([gap(1), gap(3)]);
  });
});

test("a gap that the newer answer cuts off at its beginning stays one gap", () => {
  const whole = { from: candle(1).open_time, to: candle(9).open_time, missing_trades: null };
  const cutOff = { ...whole, from: candle(7).open_time };
  const merged = mergeCandles(candles([candle(0), candle(9)], [whole]), candles([candle(9)], [cutOff]), 100);
  expect(merged.meta.gaps).toEqual([whole]);
});

test("a gap that grew stays one gap", () => {
  const before = { from: candle(1).open_time, to: candle(5).open_time, missing_trades: 3 };
  const after = { ...before, to: candle(9).open_time, missing_trades: 9 };
  const merged = mergeCandles(candles([candle(0), candle(9)], [before]), candles([candle(9)], [after]), 100);
  expect(merged.meta.gaps).toEqual([after]);
});

test("the tail begins two intervals before the first provisional bar", () => {
  const held = candles([candle(0), candle(1), candle(2, { is_final: false }), candle(3, { is_final: false })]);
  expect(tailFromMs(held, MINUTE_MS)).toBe(NOON_MS);
  expect(tailFromMs(candles([]), MINUTE_MS)).toBeNull();
});

describe("what the chart must draw again", () => {
  const before = slotsOf([candle(0), candle(1), candle(3)], MINUTE_MS);
  const [first, second, , fourth] = before.map((slot) => slot.candle);

  test("is nothing when nothing changed", () => {
    expect(changedSlots(before, [...before])).toEqual([]);
  });

  test("is the last bar when it moved, and the new ones", () => {
    const next = slotsOf([first, second, candle(3, { close: 101.7 }), candle(4)].flatMap((one) => one ?? []), MINUTE_MS);
    expect(changedSlots(before, next)).toEqual([3, 4]);
  });

  test("is everything when an empty slot was filled or the beginning moved", () => {
    const filled = slotsOf([first, second, candle(2), fourth].flatMap((one) => one ?? []), MINUTE_MS);
    expect(changedSlots(before, filled)).toBeNull();
    expect(changedSlots(before, slotsOf([candle(1), candle(2), candle(3), candle(4)], MINUTE_MS))).toBeNull();
    expect(changedSlots([], before)).toBeNull();
  });
});

describe("gaps", () => {
  const slots = slotsOf([candle(0), candle(10)], MINUTE_MS);

  test("stand between slots and say how long and how many", () => {
    const [span] = gapSpans([{ from: "2023-03-11T12:02:30.000Z", to: "2023-03-11T12:06:30.000Z", missing_trades: 1240 }], slots, MINUTE_MS, "UTC");
    expect(span).toEqual({
      from: 2.5,
      to: 6.5,
      words: "feed down 4 min, 12:02 to 12:06, 1,240 trades missing",
      lines: ["feed down 4 min", "12:02 to 12:06", "1,240 trades missing"],
      word: "4 min",
    });
  });

  test("are cut off at the edges, and those outside are left out", () => {
    const spans = gapSpans(
      [
        { from: "2023-03-11T11:00:00.000Z", to: "2023-03-11T12:01:00.000Z", missing_trades: null },
        { from: "2023-03-11T15:00:00.000Z", to: "2023-03-11T16:00:00.000Z", missing_trades: null },
      ],
      slots,
      MINUTE_MS,
      "Asia/Tokyo",
    );
    expect(spans.map(({ from, to }) => [from, to])).toEqual([[0, 1]]);
    expect(spans[0]?.words).toBe("feed down 61 min, 20:00 to 21:01");
  });
});

test("a shade says as much of its gap as it has room for", () => {
  const span = { from: 0, to: 9, words: "down 4 min, 3 trades missing", lines: ["down 4 min", "3 trades missing"], word: "4 min" };
  const fitting = (roomPx: number) => fittingLines(span, roomPx, (text) => text.length);
  expect(fitting(28)).toEqual(["down 4 min, 3 trades missing"]);
  expect(fitting(27)).toEqual(["down 4 min", "3 trades missing"]);
  expect(fitting(15)).toEqual(["down 4 min"]);
  expect(fitting(9)).toEqual(["4 min"]);
  expect(fitting(4)).toEqual([]);
});

test("a gap is found at each interval that it touches", () => {
  const gap = { from: "2023-03-11T12:02:30.000Z", to: "2023-03-11T12:04:00.000Z", missing_trades: null };
  const touched = [0, 1, 2, 3, 4].map((minute) => gapAt([gap], NOON_MS + minute * MINUTE_MS, MINUTE_MS) !== null);
  expect(touched).toEqual([false, false, true, true, false]);
});

test("a short gap says its seconds, one over midnight its dates", () => {
  const gap = (from: string, to: string) => gapWords({ from, to, missing_trades: 2 }, "UTC");
  expect(gap("2023-03-11T12:02:30.000Z", "2023-03-11T12:02:50.000Z")).toBe(
    "feed down 20 s, 12:02:30 to 12:02:50, 2 trades missing",
  );
  expect(gap("2023-03-11T23:50:00.000Z", "2023-03-12T00:10:00.000Z")).toBe(
    "feed down 20 min, 2023-03-11 23:50 to 2023-03-12 00:10, 2 trades missing",
  );
});

test("the change of a bar is a percent of its opening", () => {
  expect(changeInBar(candle(0, { open: 100, close: 101 }))).toBeCloseTo(1, 12);
  expect(changeInBar(candle(0, { open: 0 }))).toBeNull();
});
