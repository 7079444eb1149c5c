/** The built viewer in Chromium, against a fake API on loopback. Build first: npm run build. */
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FakeApi } from "./fake-api";
import { type Browser, startBrowser, startViewer, type Viewer } from "./viewer";

const SHOTS = fileURLToPath(new URL("../screenshots/", import.meta.url));

let api: FakeApi;
let viewer: Viewer;
let browser: Browser;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  await mkdir(SHOTS, { recursive: true });
  api = new FakeApi();
  viewer = await startViewer(await api.start());
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await viewer?.stop();
  await api?.stop();
});

beforeEach(async () => {
  api.reset();
  page = await browser.context.newPage();
  complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (/Content Security Policy|hydrat/i.test(message.text())) complaints.push(message.text());
  });
});

afterEach(async () => {
  await page.close();
  expect(complaints).toEqual([]);
});

async function shoot(name: string): Promise<void> {
  for (const theme of ["light", "dark"]) {
    await page.evaluate((chosen) => {
      document.documentElement.dataset.theme = chosen;
    }, theme);
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    await page.screenshot({ path: `${SHOTS}${name}-${theme}.png` });
  }
}

async function overflowPx(): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

describe("the market table", () => {
  test("shows prices in the first paint, before any script has run", async () => {
    const html = await (await fetch(`${viewer.url}/`)).text();
    expect(html).toContain('data-testid="price-bitcoin" data-value="27345.12"');
    const text = html.replaceAll(/<[^>]*>/g, "");
    expect(text).toContain("27,345.12");
    expect(text).toContain("0.00001234");
  });

  test("changes a price without a reload and leaves the other rows alone", async () => {
    await page.goto(viewer.url);
    const price = page.getByTestId("price-bitcoin");
    await expect.poll(() => price.getAttribute("data-value")).toBe("27345.12");
    await page.evaluate(() => {
      Object.assign(window, { isTheSamePage: true });
    });
    api.setPrice("bitcoin", 27_401.5);
    await expect.poll(() => price.innerText()).toContain("27,401.50");
    expect(await price.locator(".flash").getAttribute("data-went")).toBe("up");
    expect(await page.getByTestId("price-ethereum").locator(".flash").getAttribute("data-went")).toBe("");
    expect(await page.evaluate(() => "isTheSamePage" in window)).toBe(true);
    await shoot("market");
  });

  test("shows a missing number as an en dash with its reason", async () => {
    await page.goto(viewer.url);
    const missing = page.getByTestId("price-the-sandbox").locator(".missing");
    expect(await missing.innerText()).toBe("–");
    expect(await missing.getAttribute("title")).toMatch(/No trade and no snapshot/);
  });

  test("keeps the order and the search in the address", async () => {
    await page.goto(viewer.url);
    await page.getByRole("button", { name: "Price, USD" }).click();
    await expect.poll(() => page.url()).toContain("sort=price_usd");
    await page.keyboard.press("/");
    await page.keyboard.type("coin");
    await expect.poll(() => page.url()).toContain("search=coin");
    await page.reload();
    const names = await page.locator("[data-row]").allInnerTexts();
    expect(names.map((name) => name.split(/\s/)[0])).toEqual(["Bitcoin", "BNB", "Litecoin", "USDC", "Dogecoin"]);
  });

  test("is walked by keys: j, enter, g m", async () => {
    await page.goto(viewer.url);
    await page.locator("[data-row]").first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/coins/ethereum");
    await page.keyboard.press("g");
    await page.keyboard.press("m");
    await page.waitForURL(`${viewer.url}/`);
  });

  test("fits a phone without scrolling sideways", async () => {
    api.isReplay = true;
    api.speed = 600;
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(viewer.url);
    expect(await overflowPx()).toBe(0);
    await shoot("market-phone");
  });
});

describe("the platform's state", () => {
  test("says LIVE when numbers are new", async () => {
    await page.goto(viewer.url);
    await expect.poll(() => page.getByTestId("platform-state").innerText()).toBe("LIVE");
  });

  test("says REPLAY with date and speed in a demo", async () => {
    api.isReplay = true;
    api.speed = 60;
    await page.goto(viewer.url);
    const state = page.getByTestId("platform-state");
    await expect.poll(() => state.innerText()).toMatch(/REPLAY\s*2023-03-11 at 60×/);
    expect(await page.getByTestId("replay-bar").isVisible()).toBe(true);
    await shoot("market-replay");
  });

  test("names the part that is down and keeps the last prices", async () => {
    await page.goto(viewer.url);
    api.down.add("influxdb");
    api.isBroken = true;
    const strip = page.getByTestId("health-strip");
    await strip.waitFor({ timeout: 15_000 });
    expect(await strip.innerText()).toMatch(/InfluxDB does not answer since \d\d:\d\d:\d\d; the last prices are shown/);
    expect(await page.getByTestId("price-bitcoin").innerText()).toContain("27,345.12");
    await shoot("market-influx-down");
  });

  test("says that the API does not answer, and recovers by itself", async () => {
    const address = await api.stop();
    await page.goto(viewer.url);
    expect(await page.getByTestId("failure").innerText()).toContain("The API does not answer");
    expect(await page.getByTestId("platform-state").innerText()).toBe("STALE");
    await shoot("market-api-down");
    await api.start(Number(new URL(address).port));
    await page.getByTestId("price-bitcoin").waitFor({ timeout: 20_000 });
  });
});

describe("a coin's page", () => {
  test("draws bars whose legend shows the last close", async () => {
    await page.goto(`${viewer.url}/coins/bitcoin`);
    await page.getByTestId("chart").locator("canvas").first().waitFor();
    const legend = page.getByTestId("legend");
    await expect.poll(() => legend.getAttribute("data-close")).toBe("27345.12");
    expect(await legend.innerText()).toContain("27,345.12");
    expect(await page.getByText(/final to/).innerText()).toContain("14:01");
    await shoot("coin");
  });

  test("moves the last bar and the price without a reload", async () => {
    await page.goto(`${viewer.url}/coins/bitcoin`);
    const legend = page.getByTestId("legend");
    await expect.poll(() => legend.getAttribute("data-close")).toBe("27345.12");
    api.setPrice("bitcoin", 27_420);
    api.nowMs += 61_000;
    await expect.poll(() => legend.getAttribute("data-close")).toBe("27420");
    await expect.poll(() => page.getByTestId("price-bitcoin").innerText()).toContain("27,420.00");
  });

  test("asks only for the last bars again", async () => {
    await page.goto(`${viewer.url}/coins/bitcoin`);
    const tails = () => api.asked.filter((path) => path.includes("/candles")).slice(1);
    await expect.poll(() => tails().length).toBeGreaterThan(1);
    for (const path of tails()) {
      const from = Date.parse(new URL(path, "http://fake").searchParams.get("from") ?? "");
      expect(api.nowMs - from).toBeLessThan(6 * 60_000);
    }
  });

  test("begins anew when the platform ran too far ahead while nobody looked", async () => {
    await page.goto(`${viewer.url}/coins/bitcoin`);
    const legend = page.getByTestId("legend");
    await expect.poll(() => legend.getAttribute("data-close")).toBe("27345.12");
    api.isRangeTooLong = true;
    api.setPrice("bitcoin", 26_000);
    api.nowMs += 9 * 86_400_000;
    await expect.poll(() => legend.getAttribute("data-close")).toBe("26000");
    await page.getByTestId("chart").locator("canvas").first().waitFor();
  });

  test("shades gaps and says how many", async () => {
    api.gaps = [{ from: "2023-03-11T12:10:00.000Z", to: "2023-03-11T12:52:00.000Z", missing_trades: 1240 }];
    await page.goto(`${viewer.url}/coins/bitcoin`);
    await page.getByText("1 gap in the feed, shaded").waitFor();
    await shoot("coin-gap");
  });

  test("keeps market, interval and range in the address", async () => {
    await page.goto(`${viewer.url}/coins/bitcoin`);
    await page.getByRole("link", { name: "1h", exact: true }).first().click();
    await page.waitForURL("**/coins/bitcoin?interval=1h");
    await page.getByLabel("Market", { exact: true }).selectOption("BTCUSDC");
    await page.waitForURL("**market=BTCUSDC**");
    await expect.poll(() => api.asked.some((path) => /symbol=BTCUSDC/.test(path) && /interval=1h/.test(path))).toBe(true);
    await page.keyboard.press("[");
    await page.waitForURL("**interval=15m**");
  });

  test("walks the bars with the arrow keys", async () => {
    await page.goto(`${viewer.url}/coins/bitcoin`);
    const legend = page.getByTestId("legend");
    await expect.poll(() => legend.getAttribute("data-close")).toBe("27345.12");
    await page.getByTestId("chart").locator("canvas").first().waitFor();
    await page.getByTestId("chart").focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => legend.getAttribute("data-close")).not.toBe("27345.12");
  });

  test("says why a coin without a market has no bars", async () => {
    api.hasCandles = false;
    await page.goto(`${viewer.url}/coins/usd-coin`);
    expect(await page.getByTestId("no-bars").innerText()).toContain("No exchange market of USDC is collected");
    await shoot("coin-no-market");
  });

  test("is a 404 for a coin that nobody knows", async () => {
    const answer = await page.goto(`${viewer.url}/coins/nope`);
    expect(answer?.status()).toBe(404);
    await page.getByTestId("not-found").waitFor();
    await shoot("not-found");
  });

  test("fits a phone without scrolling sideways", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${viewer.url}/coins/bitcoin`);
    await page.getByTestId("chart").locator("canvas").first().waitFor();
    expect(await overflowPx()).toBe(0);
    await shoot("coin-phone");
  });
});

describe("the border to the network", () => {
  test("sends a policy with a nonce and without inline scripts", async () => {
    const { headers } = await fetch(viewer.url);
    const policy = headers.get("Content-Security-Policy") ?? "";
    expect(policy).toMatch(/script-src 'self' 'nonce-[\w+/=]+' 'strict-dynamic';/);
    expect(policy).not.toMatch(/script-src[^;]*unsafe/);
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(headers.get("Referrer-Policy")).toBe("no-referrer");
  });

  test("passes status, type and Retry-After of the API on", async () => {
    api.isBroken = true;
    const answer = await fetch(`${viewer.url}/api/coins`);
    expect(answer.status).toBe(503);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(answer.headers.get("Retry-After")).toBe("1");
  });

  test("passes nothing but GET on", async () => {
    const answer = await fetch(`${viewer.url}/api/coins`, { method: "POST" });
    expect(answer.status).toBe(405);
    expect(api.asked).toEqual([]);
  });

  test("keeps to the API's paths when segments hide slashes or dots", async () => {
    await fetch(`${viewer.url}/api/coins/..%2f..%2fsecret`);
    expect(api.asked.some((path) => path.startsWith("/secret"))).toBe(false);
  });
});
