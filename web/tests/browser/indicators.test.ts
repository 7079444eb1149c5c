/** Indicators, provisional bars, gaps and the market's strip in Chromium. Build first: npm run build. */
import { describe, expect, test } from "vitest";
import { api, axeFaults, inBrowser, overflowPx, page, shoot, viewer } from "./session";

inBrowser();

const chart = () => page.getByTestId("chart");
const legend = () => page.getByTestId("legend");
const drawn = (name: string) => chart().getAttribute(`data-${name}`);
/** Panes of the library's table, the price among them; its last row is the time axis. */
const panes = () => chart().evaluate((box) => [...box.querySelectorAll("tr")].filter((row) => row.children.length === 3).length - 1);
const figure = (field: string) => page.locator(`[data-field="${field}"]`);

async function open(query = ""): Promise<void> {
  await page.goto(`${viewer.url}/coins/bitcoin${query}`);
  await chart().locator("canvas").first().waitFor();
}

/** For each pixel column of a pane, whether anything is drawn there in the colour of a token; 0 is the price. */
async function inkedColumns(pane: number, token: string): Promise<boolean[]> {
  return page.evaluate(
    ([at, name]) => {
      const probe = document.createElement("canvas");
      probe.width = probe.height = 1;
      const one = probe.getContext("2d");
      const span = document.body.appendChild(document.createElement("span"));
      span.style.color = `var(--${name})`;
      if (!one) throw new Error("no canvas");
      one.fillStyle = getComputedStyle(span).color;
      one.fillRect(0, 0, 1, 1);
      span.remove();
      const wanted = one.getImageData(0, 0, 1, 1).data;
      // Rows of the chart: a pane, a separator, a pane, ..., the time axis; in a pane the middle cell.
      const panes = [...document.querySelectorAll("[data-testid=chart] tr")].filter((row) => row.querySelectorAll("td").length === 3);
      const canvas = panes[at]?.querySelectorAll("td")[1]?.querySelector("canvas");
      const drawing = canvas?.getContext("2d");
      if (!canvas || !drawing) throw new Error(`no pane ${at}`);
      const { data, width, height } = drawing.getImageData(0, 0, canvas.width, canvas.height);
      return Array.from({ length: width }, (_, x) =>
        Array.from({ length: height }, (_, y) => 4 * (y * width + x)).some((pixel) =>
          [0, 1, 2].every((channel) => Math.abs((data[pixel + channel] ?? 0) - (wanted[channel] ?? 0)) < 90),
        ),
      );
    },
    [pane, token] as const,
  );
}

/** The longest run of columns without ink between the first and the last that have some. */
function longestHole(columns: readonly boolean[]): number {
  const text = columns.map((isInked) => (isInked ? "#" : " ")).join("").trim();
  return Math.max(0, ...text.split("#").map((run) => run.length));
}

describe("the intervals", () => {
  test("go from a second to a day, and seconds have their axis and range", async () => {
    await open();
    const labels = await page.getByRole("group", { name: "Interval" }).getByRole("link").allInnerTexts();
    expect(labels).toEqual(["1s", "1m", "5m", "15m", "1h", "4h", "1d"]);
    await page.keyboard.press("[");
    await page.waitForURL("**/coins/bitcoin?interval=1s");
    await expect.poll(() => legend().innerText()).toMatch(/2023-03-11 14:02:1\d/);
    expect(await page.getByRole("group", { name: "Range" }).locator("[aria-current]").innerText()).toBe("15m");
    expect(await page.getByText("Indicators", { exact: true }).getAttribute("title")).toMatch(/a minute and longer/);
    await shoot("coin-seconds");
  });
});

describe("indicators", () => {
  test("are chosen in a sheet, stand in the address and come back with it", async () => {
    await open();
    expect(await drawn("panes")).toBe("");
    expect(await panes()).toBe(1);
    expect(api.asked.some((path) => path.includes("/analytics"))).toBe(false);
    await page.keyboard.press("i");
    await page.getByRole("button", { name: "RSI 14" }).click();
    await page.getByRole("button", { name: "SMA 20" }).click();
    await page.getByRole("button", { name: "MACD 12, 26, 9" }).click();
    await expect.poll(() => page.url()).toContain("?indicators=sma_20+rsi+macd");
    await expect.poll(() => drawn("panes")).toBe("RSI 14; MACD 12, 26, 9");
    await expect.poll(panes).toBe(3);
    await shoot("coin-indicator-sheet");
    expect(await panes()).toBe(3);
    await page.keyboard.press("Escape");
    await expect.poll(() => page.getByRole("button", { name: "RSI 14" }).isVisible()).toBe(false);
    await page.reload();
    await expect.poll(() => drawn("panes")).toBe("RSI 14; MACD 12, 26, 9");
    await expect.poll(() => figure("rsi_14").innerText()).toMatch(/^\d\d\.\d$/);
    await page.getByRole("link", { name: "5m", exact: true }).click();
    await page.waitForURL("**interval=5m&range=6h&indicators=sma_20+rsi+macd");
    await page.getByLabel("Candles of BTCUSDT, 5m").waitFor();
    await page.keyboard.press("i");
    await page.getByRole("button", { name: "None" }).click();
    await expect.poll(() => drawn("panes")).toBe("");
    await expect.poll(panes).toBe(1);
    expect(page.url()).not.toContain("indicators");
  });

  test("say their numbers at the crosshair, and while they are warming up", async () => {
    await open("?indicators=ema_50+sma_50+rsi");
    const items = page.getByTestId("indicator-legend");
    await expect.poll(() => items.innerText()).toContain("at 2023-03-11 14:00");
    const newest = await figure("ema_50").getAttribute("data-value");
    expect(await page.locator("[data-indicator=ema_50]").innerText()).toMatch(/warming up: \d{3} of 1,000 bars/);
    expect(await page.locator("[data-indicator=sma_50]").innerText()).not.toContain("warming");
    await chart().focus();
    for (let step = 0; step < 4; step += 1) await page.keyboard.press("ArrowLeft");
    await expect.poll(() => figure("ema_50").getAttribute("data-value")).not.toBe(newest);
    expect(await items.innerText()).not.toContain("14:00");
  });

  test("are missing at a provisional bar, with the reason", async () => {
    await open("?indicators=rsi");
    await expect.poll(() => figure("rsi_14").getAttribute("data-value")).not.toBe("");
    await chart().focus();
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => figure("rsi_14").locator(".missing").getAttribute("title")).toMatch(/once it is final/);
    expect(await legend().innerText()).toContain("provisional");
  });

  test("that are undefined leave a hole in the line", async () => {
    await open("?range=1h&indicators=rsi");
    await expect.poll(async () => (await inkedColumns(1, "series-1")).filter(Boolean).length).toBeGreaterThan(300);
    expect(longestHole(await inkedColumns(1, "series-1"))).toBeLessThan(20);
    const minute = 60_000;
    const to = Math.floor(api.nowMs / minute) * minute - 20 * minute;
    api.undefinedBetween = [to - 15 * minute, to];
    await open("?range=1h&indicators=rsi");
    await expect.poll(async () => (await inkedColumns(1, "series-1")).filter(Boolean).length).toBeGreaterThan(200);
    expect(longestHole(await inkedColumns(1, "series-1"))).toBeGreaterThan(100);
    await chart().focus();
    for (let step = 0; step < 27; step += 1) await page.keyboard.press("ArrowLeft");
    await expect.poll(() => figure("rsi_14").innerText()).toBe("–");
    expect(await figure("rsi_14").locator(".missing").getAttribute("title")).toMatch(/Not defined at this bar/);
    await shoot("coin-hole");
  });

  test("go on with the bars", async () => {
    await open("?indicators=sma_5");
    await expect.poll(() => page.getByTestId("indicator-legend").innerText()).toContain("14:00");
    api.nowMs += 5 * 60_000;
    await expect.poll(() => page.getByTestId("indicator-legend").innerText()).toContain("14:05");
    const tails = api.asked.filter((path) => path.includes("/analytics")).slice(1);
    for (const path of tails) {
      const from = Date.parse(new URL(path, "http://fake").searchParams.get("from") ?? "");
      expect(api.nowMs - from).toBeLessThan(15 * 60_000);
    }
  });

  test("all fit, and the page is clean for axe in both themes", async () => {
    await open(
      "?indicators=sma_5+sma_10+sma_20+sma_50+ema_5+ema_10+ema_20+ema_50+bollinger+rsi+macd+atr+volatility+volume_ratio+buy_sell_ratio+momentum",
    );
    await expect.poll(() => figure("buy_sell_ratio").getAttribute("data-value")).not.toBe("");
    expect((await drawn("panes"))?.split("; ")).toHaveLength(7);
    await page.setViewportSize({ width: 1440, height: 2000 });
    await shoot("coin-all-indicators");
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.keyboard.press("i");
    expect(await axeFaults()).toEqual([]);
  });

  test("fit a phone", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await open("?indicators=sma_20+bollinger+rsi+macd");
    await expect.poll(() => figure("rsi_14").getAttribute("data-value")).not.toBe("");
    expect(await overflowPx()).toBe(0);
    await page.getByTestId("legend").scrollIntoViewIfNeeded();
    await page.evaluate(() => window.scrollTo(0, 150));
    await shoot("coin-indicators-phone");
    await page.locator("summary").click();
    expect(await overflowPx()).toBe(0);
    await shoot("coin-indicator-sheet-phone");
  });
});

describe("an address", () => {
  test("that is nonsense is cleaned and draws what can be meant", async () => {
    await open("?interval=7m&indicators=rsi,sma_21+__proto__&market=NOPE&utm=1");
    expect(page.url()).toBe(`${viewer.url}/coins/bitcoin?indicators=rsi`);
    await expect.poll(() => drawn("panes")).toBe("RSI 14");
  });

  test("of a coin without a market is cleaned too", async () => {
    await page.goto(`${viewer.url}/coins/usd-coin?indicators=rsi&range=15m`);
    await chart().locator("canvas").first().waitFor();
    expect(page.url()).toBe(`${viewer.url}/coins/usd-coin`);
  });
});

describe("what is known of the bars", () => {
  test("a provisional bar is hatched until it is final", async () => {
    await open("?range=1h");
    await expect.poll(() => drawn("hatched")).toBe("2");
    expect(await legend().innerText()).toContain("provisional");
    await shoot("coin-provisional");
    api.nowMs = Date.parse("2023-03-11T14:02:45.000Z");
    await expect.poll(() => drawn("hatched")).toBe("1");
  });

  test("a gap is shaded through every pane and says what it is", async () => {
    api.gaps = [{ from: "2023-03-11T12:10:00.000Z", to: "2023-03-11T13:22:00.000Z", missing_trades: 1240 }];
    await open("?indicators=rsi");
    await expect.poll(() => drawn("shaded")).toBe("1");
    expect(await drawn("shaded-as")).toBe("feed down 72 min, 12:10 to 13:22, 1,240 trades missing");
    await page.getByText("1 gap in the feed, shaded: feed down 72 min, 12:10 to 13:22, 1,240 trades missing").waitFor();
    await expect.poll(async () => longestHole(await inkedColumns(1, "series-1"))).toBeGreaterThan(100);
    const box = await chart().boundingBox();
    if (!box) throw new Error("no chart");
    // The gap lies between 70 and 87 % of the range.
    await page.mouse.move(box.x + box.width * 0.72, box.y + 100);
    await expect.poll(() => legend().innerText()).toContain("1,240 trades missing");
    await shoot("coin-gap-panes");
  });

  test("bars out of order and twice are drawn all the same", async () => {
    api.isOutOfOrder = true;
    await open("?indicators=rsi");
    await expect.poll(() => legend().getAttribute("data-close")).toBe("27345.12");
    api.setPrice("bitcoin", 27_420);
    api.nowMs += 61_000;
    await expect.poll(() => legend().getAttribute("data-close")).toBe("27420");
    await expect.poll(() => figure("rsi_14").getAttribute("data-value")).not.toBe("");
  });

  test("a partial bar and one with trades missing say so", async () => {
    api.partialMs = Date.parse("2023-03-11T14:00:00.000Z");
    await open("?range=1h");
    await chart().focus();
    for (let step = 0; step < 4 && !(await legend().innerText()).includes("14:00"); step += 1) {
      await page.keyboard.press("ArrowLeft");
    }
    expect(await legend().innerText()).toContain("partial: our stream began in this bar");
    expect(await legend().innerText()).toContain("coverage 62.34 %");
    await shoot("coin-partial");
  });
});

describe("the market's strip", () => {
  const strip = () => page.getByTestId("market-strip");

  test("shows breadth, Bitcoin's share of the volume and the weighted index", async () => {
    await page.goto(viewer.url);
    expect(await strip().locator('[data-figure="breadth_pct 1h"]').innerText()).toBe("62.5 % 1h");
    expect(await strip().locator('[data-figure="breadth_pct 1h"]').getAttribute("title")).toContain("10 of 16 coins advanced");
    expect(await strip().locator('[data-figure="btc_volume_share_pct 1h"]').innerText()).toBe("41.3 % 1h");
    expect(await strip().locator('[data-figure="weighted_return_pct 1m"]').innerText()).toBe("−0.03 % 1m");
    expect(await strip().innerText()).toContain("1.06 T USD");
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await overflowPx()).toBe(0);
    await shoot("market-strip-phone");
  });

  test("shows a dash with its reason where nothing is known, and is clean for axe", async () => {
    api.isMarketUnknown = true;
    await page.goto(viewer.url);
    const breadth = strip().locator('[data-figure="breadth_pct 1h"] .missing');
    expect(await breadth.innerText()).toBe("–");
    expect(await breadth.getAttribute("title")).toBe("No bar of 1h has closed yet");
    expect(await strip().locator(".missing").count()).toBe(8);
    expect(await axeFaults()).toEqual([]);
  });
});
