/** The built viewer in Chromium, against a fake API on loopback. Build first: npm run build. */
import { describe, expect, test } from "vitest";
import { api, inBrowser, overflowPx, page, shoot, viewer } from "./session";

inBrowser();

describe("the market table", () => {
  test("shows prices in the first paint, before any script has run", async () => {
    const html = await (await fetch(`${viewer.url}/`)).text();
    expect(html).toContain(
      'data-testid="price-bitcoin" data-value="27345.12" data-observed-at="2023-03-11T14:02:10.100Z"',
    );
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
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
    // Keys count once the page's script runs.
    await expect
      .poll(async () => {
        await page.keyboard.press("j");
        return focused();
      })
      .toContain("Bitcoin");
    await page.keyboard.press("j");
    expect(await focused()).toContain("Ethereum");
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

  const strip = () => page.getByTestId("health-strip");
  const badge = () => page.getByTestId("platform-state").innerText();

  test("names the database when it is down and keeps the last numbers, which it calls old", async () => {
    await page.goto(viewer.url);
    api.down.add("influxdb");
    api.isBroken = true;
    await strip().waitFor({ timeout: 15_000 });
    expect(await strip().innerText()).toMatch(/InfluxDB does not answer since \d\d:\d\d:\d\d; numbers on the page stay as they were/);
    const price = page.getByTestId("price-bitcoin");
    await expect.poll(() => price.locator(".stale").count()).toBe(1);
    expect(await price.innerText()).toContain("27,345.12");
    expect(await badge()).toBe("STALE");
    await shoot("market-influx-down");
    api.reset();
    await expect.poll(() => price.locator(".stale").count()).toBe(0);
    await strip().waitFor({ state: "detached" });
  });

  test("says when trades stopped and that Kafka is down", async () => {
    api.down = new Set(["kafka", "trades"]);
    await page.goto(`${viewer.url}/coins/bitcoin`);
    expect(await strip().innerText()).toContain("Kafka does not answer since");
    expect(await strip().innerText()).toContain("Trades stopped at 2023-03-11 13:53:11");
    await page.getByTestId("chart").locator("canvas").first().waitFor();
    await shoot("coin-trades-stopped");
  });

  test("is STALE when every feed stopped", async () => {
    api.down = new Set(["prices", "trades"]);
    await page.goto(viewer.url);
    expect(await badge()).toBe("STALE");
    expect(await strip().innerText()).toContain("Price snapshots stopped at 2023-03-11 13:53:11");
    await shoot("market-feeds-stopped");
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await overflowPx()).toBe(0);
    await shoot("market-feeds-stopped-phone");
  });

  test("says that the API does not answer, and recovers by itself", async () => {
    const address = await api.stop();
    await page.goto(viewer.url);
    expect(await page.getByTestId("failure").innerText()).toContain("The API does not answer");
    expect(await badge()).toBe("STALE");
    await shoot("market-api-down");
    await api.start(Number(new URL(address).port));
    await page.getByTestId("price-bitcoin").waitFor({ timeout: 20_000 });
  });

  test("keeps the numbers of an open page when the API goes away, and calls them old", async () => {
    await page.goto(`${viewer.url}/coins/bitcoin`);
    await page.getByTestId("chart").locator("canvas").first().waitFor();
    const address = await api.stop();
    await expect.poll(() => page.getByTestId("price-bitcoin").locator(".stale").count()).toBe(1);
    await strip().waitFor({ timeout: 15_000 });
    expect(await strip().innerText()).toContain("The API does not answer since");
    expect(await page.getByText("the last bars are shown").count()).toBe(1);
    await shoot("coin-api-away");
    await api.start(Number(new URL(address).port));
    await expect.poll(() => page.getByTestId("price-bitcoin").locator(".stale").count()).toBe(0);
  });

  test("draws a coin's page by itself, with the range it was opened for, once the API is back", async () => {
    const address = await api.stop();
    await page.goto(`${viewer.url}/coins/bitcoin?interval=1h&range=7d`);
    expect(await page.getByTestId("failure").innerText()).toContain("The API does not answer");
    await shoot("coin-api-down");
    api.asked = [];
    await api.start(Number(new URL(address).port));
    await page.getByTestId("chart").locator("canvas").first().waitFor({ timeout: 20_000 });
    const first = api.asked.find((path) => path.includes("/candles")) ?? "";
    expect(Date.parse(new URL(first, "http://fake").searchParams.get("from") ?? "")).toBe(api.nowMs - 7 * 86_400_000);
    await expect.poll(() => page.title()).toContain("Bitcoin");
  });

  test("says that a coin is unknown once the API is back", async () => {
    const address = await api.stop();
    await page.goto(`${viewer.url}/coins/nope`);
    await page.getByTestId("failure").waitFor();
    await api.start(Number(new URL(address).port));
    await page.getByTestId("not-found").waitFor({ timeout: 20_000 });
  });

  test("draws a coin's page by itself once the database is back", async () => {
    api.isBroken = true;
    api.down.add("influxdb");
    await page.goto(`${viewer.url}/coins/bitcoin`);
    expect(await page.getByTestId("failure").innerText()).toContain("Store unavailable (503)");
    await shoot("coin-influx-down");
    api.reset();
    await page.getByTestId("chart").locator("canvas").first().waitFor({ timeout: 20_000 });
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

  test("draws the snapshots of a coin without a market as a line", async () => {
    await page.goto(`${viewer.url}/coins/usd-coin`);
    await page.getByTestId("chart").locator("canvas").first().waitFor();
    await page.getByText("no exchange market of USDC is collected").waitFor();
    const legend = page.getByTestId("legend");
    await expect.poll(() => legend.getAttribute("data-close")).toBe("0.9871");
    await shoot("coin-no-market");
    api.setPrice("usd-coin", 0.9712);
    await expect.poll(() => legend.getAttribute("data-close")).toBe("0.9712");
    await page.getByTestId("chart").focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => legend.getAttribute("data-close")).not.toBe("0.9712");
    await page.getByRole("link", { name: "7d", exact: true }).click();
    await page.waitForURL("**/coins/usd-coin?range=7d");
    await expect.poll(() => api.asked.some((path) => path.includes("/history?interval=1h"))).toBe(true);
    expect(api.asked.filter((path) => path.includes("/candles")).length).toBeLessThan(3);
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
