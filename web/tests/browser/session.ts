/** What every browser test has: a fake API, the built viewer, a fresh page, and no complaint of the browser. */
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { FakeApi } from "./fake-api";
import { type Browser, startBrowser, startViewer, type Viewer } from "./viewer";

const SHOTS = fileURLToPath(new URL("../screenshots/", import.meta.url));
const THEMES = ["light", "dark"] as const;

export let api: FakeApi;
export let viewer: Viewer;
export let page: Page;

/** Call once at the top of a test file; `api`, `viewer` and `page` are there inside of its tests. */
export function inBrowser(): void {
  let browser: Browser;
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
}

async function inEachTheme(look: (theme: string) => Promise<void>): Promise<void> {
  for (const theme of THEMES) {
    await page.evaluate((chosen) => {
      document.documentElement.dataset.theme = chosen;
    }, theme);
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    await look(theme);
  }
}

export async function shoot(name: string): Promise<void> {
  await inEachTheme(async (theme) => {
    await page.screenshot({ path: `${SHOTS}${name}-${theme}.png` });
  });
}

/** What axe finds wrong with the page as it stands, in both themes; one line a fault. */
export async function axeFaults(): Promise<string[]> {
  await page.evaluate(axe.source);
  const faults: string[] = [];
  await inEachTheme(async (theme) => {
    const found = await page.evaluate(async () => {
      const { axe: here } = window as unknown as { axe: typeof axe };
      const { violations } = await here.run(document);
      return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
    });
    faults.push(...found.map((fault) => `${theme} ${fault}`));
  });
  return faults;
}

export async function overflowPx(): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}
