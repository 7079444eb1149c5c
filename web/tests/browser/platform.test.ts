/**
 * Against a platform that really runs: what the page shows is what the API says.
 * CRYPTOVIZ_WEB_URL and CRYPTOVIZ_API_URL name it; without them there is nothing to test.
 */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { coinPath, COINS, HEALTH, type Path } from "@/lib/api/paths";
import { formatPrice } from "@/lib/format";
import { type Browser, startBrowser } from "./viewer";

const WEB_URL = process.env.CRYPTOVIZ_WEB_URL?.replace(/\/+$/, "");
const API_URL = process.env.CRYPTOVIZ_API_URL?.replace(/\/+$/, "");

/** The page may show a moment that we did not read, so both are read until one moment is in both. */
const MEET = { timeout: 45_000, interval: 100 };

async function ask<T>(path: Path<T>): Promise<T> {
  const answer = await fetch(`${API_URL}${path}`);
  return (await answer.json()) as T;
}

interface Shown {
  price: number;
  observedAtMs: number;
  text: string;
}

async function shown(page: Page, coinId: string): Promise<Shown> {
  const cell = page.getByTestId(`price-${coinId}`);
  return cell.evaluate((element) => ({
    price: Number(element.getAttribute("data-value")),
    observedAtMs: Date.parse(element.getAttribute("data-observed-at") ?? ""),
    text: element.textContent ?? "",
  }));
}

describe.skipIf(!WEB_URL || !API_URL)("the running platform", () => {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await startBrowser();
    page = await browser.context.newPage();
  });

  afterAll(() => browser?.close());

  /** A platform that catches up after a kill shows snapshots until its trades are fresh again. */
  async function pricedCoin(): Promise<string> {
    const find = async (): Promise<string | undefined> => {
      const { data } = await ask(COINS);
      return data.find((row) => row.price_usd !== null && row.price_market !== null)?.coin_id;
    };
    let coinId = "";
    await expect.poll(async () => (coinId = (await find()) ?? ""), MEET).not.toBe("");
    return coinId;
  }

  test("shows in the market table the price that the API answers", async () => {
    const coinId = await pricedCoin();
    await page.goto(`${WEB_URL}/`);
    await page.getByTestId(`price-${coinId}`).waitFor();
    const answered = new Map<number, number | null>();
    const meet = async (): Promise<boolean> => {
      const { price_observed_at, price_usd } = (await ask(coinPath(coinId))).data;
      answered.set(Date.parse(price_observed_at ?? ""), price_usd);
      const { observedAtMs, price, text } = await shown(page, coinId);
      return answered.get(observedAtMs) === price && text.includes(formatPrice(price));
    };
    await expect.poll(meet, MEET).toBe(true);
  });

  test("takes over a newer price without a reload", async () => {
    const coinId = await pricedCoin();
    await page.goto(`${WEB_URL}/`);
    const first = await shown(page, coinId);
    expect(first.price).toBeGreaterThan(0);
    await expect
      .poll(async () => (await shown(page, coinId)).observedAtMs, MEET)
      .toBeGreaterThan(first.observedAtMs);
  });

  test("draws candles on the coin's page whose last close is near its price", async () => {
    const coinId = await pricedCoin();
    await page.goto(`${WEB_URL}/coins/${coinId}`);
    await page.getByTestId("chart").locator("canvas").first().waitFor();
    const close = async () => Number(await page.getByTestId("legend").getAttribute("data-close"));
    await expect.poll(close, MEET).toBeGreaterThan(0);
    const { price } = await shown(page, coinId);
    expect(Math.abs((await close()) / price - 1)).toBeLessThan(0.1);
  });

  test("says REPLAY exactly when the platform's clock is a replay", async () => {
    const { data } = await ask(HEALTH);
    await page.goto(`${WEB_URL}/`);
    const state = page.getByTestId("platform-state");
    await expect.poll(async () => (await state.innerText()).includes("REPLAY"), MEET).toBe(data.clock.is_replay);
  });
});
