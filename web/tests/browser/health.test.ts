/** The page of the platform's own health in Chromium, against a fake API on loopback. */
import { describe, expect, test } from "vitest";
import { api, axeFaults, inBrowser, overflowPx, page, shoot, viewer } from "./session";

inBrowser();

// A key pressed before the page's script runs is lost; one pressed anew each moment starts the way anew.
const PRESS_AGAIN = { interval: 3_000 };

const text = () => page.locator("main").innerText();

describe("the page of health", () => {
  test("tells jobs, latency, sources, quality and gaps in the first paint", async () => {
    const html = await (await fetch(`${viewer.url}/health`)).text();
    for (const words of ["archive", "Into InfluxDB", "not heard", "1.82 % away", "reconnect"]) expect(html).toContain(words);
  });

  test("is reached by g h; a number that is missing says why, and a bar is drawn for each stage", async () => {
    await page.goto(viewer.url);
    await expect
      .poll(
        async () => {
          await page.keyboard.press("g");
          await page.keyboard.press("h");
          return page.url();
        },
        PRESS_AGAIN,
      )
      .toContain("/health");
    await expect.poll(text).toContain("waiting");
    expect(await text()).toContain("676 · 1,157 · 1,527 ms");
    expect(await page.locator("main svg").count()).toBe(5);
    expect(await page.getByTitle("Kafka has not told the ends of its topics").count()).toBe(1);
    await shoot("health");
    expect(await axeFaults()).toEqual([]);
  });

  test("keeps what it knew and says so while the API is broken", async () => {
    await page.goto(`${viewer.url}/health`);
    await expect.poll(text).toContain("candles");
    api.isBroken = true;
    await expect.poll(text, { timeout: 20_000 }).toContain("nothing new arrives");
    expect(await text()).toContain("candles");
  });

  test("fits a phone without scrolling sideways", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${viewer.url}/health`);
    expect(await overflowPx()).toBe(0);
    await shoot("health-phone");
  });
});
