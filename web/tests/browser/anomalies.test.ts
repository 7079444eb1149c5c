/** The pages of anomalies in Chromium, against a fake API on loopback. Build first: npm run build. */
import { describe, expect, test } from "vitest";
import { api, axeFaults, inBrowser, overflowPx, page, shoot, viewer } from "./session";

inBrowser();

// A key pressed before the page's script runs is lost; one pressed anew each moment starts the way anew.
const PRESS_AGAIN = { interval: 3_000 };

const sentences = () => page.locator("[data-row]").allInnerTexts();

describe("the list of anomalies", () => {
  test("says what happened in the first paint, before any script has run", async () => {
    const html = await (await fetch(`${viewer.url}/anomalies`)).text();
    expect(html).toContain("BTCUSDC on binance is 4.02 % above BTCUSDT");
  });

  test("is reached by g a, and shows kind, severity, peak and state", async () => {
    await page.goto(viewer.url);
    await expect
      .poll(
        async () => {
          await page.keyboard.press("g");
          await page.keyboard.press("a");
          return page.url();
        },
        PRESS_AGAIN,
      )
      .toContain("/anomalies");
    await expect.poll(sentences).toHaveLength(4);
    const whale = await page.getByTestId("anomaly-d2").innerText();
    for (const word of ["Whale", "ETHUSDT", "Critical", "2.45", "M USDT", "Resolved"]) expect(whale).toContain(word);
    expect(await page.getByTestId("anomaly-d1").innerText()).toContain("Open");
    await shoot("anomalies");
    expect(await axeFaults()).toEqual([]);
  });

  test("is narrowed by kind and severity, in the address", async () => {
    await page.goto(`${viewer.url}/anomalies`);
    await page.getByRole("link", { name: "Whale", exact: true }).click();
    await expect.poll(sentences).toHaveLength(1);
    expect(page.url()).toContain("kind=whale");
    await page.getByRole("link", { name: "Low", exact: true }).click();
    await expect.poll(() => page.locator("tbody").innerText()).toContain("No anomaly of this sort");
  });

  test("keeps its rows and says so while the API is broken", async () => {
    await page.goto(`${viewer.url}/anomalies?coin=bitcoin`);
    await expect.poll(sentences).toHaveLength(1);
    api.isBroken = true;
    await expect.poll(() => page.locator("main").innerText()).toContain("nothing new can be found");
    expect(await sentences()).toHaveLength(1);
  });

  test("fits a phone without scrolling sideways", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${viewer.url}/anomalies`);
    expect(await overflowPx()).toBe(0);
    await shoot("anomalies-phone");
  });
});

describe("an anomaly", () => {
  test("is opened from the list, with its evidence drawn and its records named", async () => {
    await page.goto(`${viewer.url}/anomalies`);
    await page.getByTestId("anomaly-d1").getByRole("link").last().click();
    await page.waitForURL("**/anomalies/d1");
    const lines = page.getByTestId("evidence").locator("polyline");
    await expect.poll(() => lines.count()).toBe(2);
    const text = await page.locator("main").innerText();
    for (const word of ["BTCUSDC / BTCUSDT", "4.02 %", "9007199254740993", "crypto-trades/1/48211"]) {
      expect(text).toContain(word);
    }
    await shoot("anomaly");
    expect(await axeFaults()).toEqual([]);
  });

  test("about a source says that there is nothing to draw", async () => {
    await page.goto(`${viewer.url}/anomalies/d4`);
    expect(await page.getByTestId("nothing-to-draw").innerText()).toContain("Nothing to draw");
  });

  test("that does not exist is no page", async () => {
    const response = await page.goto(`${viewer.url}/anomalies/ffff`);
    expect(response?.status()).toBe(404);
  });
});

describe("a coin", () => {
  test("leads to its anomalies", async () => {
    await page.goto(`${viewer.url}/coins/bitcoin`);
    await page.getByRole("link", { name: "anomalies", exact: true }).click();
    await page.waitForURL("**/anomalies?coin=bitcoin");
    await expect.poll(sentences).toHaveLength(1);
  });
});
