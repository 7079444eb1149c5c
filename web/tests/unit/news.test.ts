import { describe, expect, test } from "vitest";
import { newsUrl, olderNews, parseNewsState } from "@/app/news/news-state";
import { stretches } from "@/components/fear-greed-view";
import { titleParts, webAddress } from "@/lib/highlight";

const word = (text: string, start: number, weight = 1) => ({ text, start, end: start + Array.from(text).length, weight });

describe("the deciding words of a title", () => {
  test("are cut out where they stand, counted in code points", () => {
    expect(titleParts("🚀🚀 Bitcoin surges <b>now</b>", [word("surges", 11)])).toEqual([
      { text: "🚀🚀 Bitcoin ", weight: null },
      { text: "surges", weight: 1 },
      { text: " <b>now</b>", weight: null },
    ]);
  });

  test("leave the title whole where they do not fit it", () => {
    expect(titleParts("short", [word("beyond", 40)])).toEqual([{ text: "short", weight: null }]);
    expect(titleParts("", [])).toEqual([]);
  });
});

describe("an address", () => {
  test("is a link only to the web", () => {
    expect(webAddress("https://news.example/a?b=1")).toBe("https://news.example/a?b=1");
    for (const bad of ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "//x.example", "", null]) {
      expect(webAddress(bad)).toBeNull();
    }
  });
});

describe("the state of the list", () => {
  test("is in the address, and what it cannot be is left out", () => {
    const state = parseNewsState(new URLSearchParams("label=negative&coin=bitcoin&copies=true&source=coindesk"));
    expect(newsUrl(state)).toBe("/news?label=negative&coin=bitcoin&source=coindesk&copies=true");
    expect(newsUrl(parseNewsState(new URLSearchParams("label=good&copies=1")))).toBe("/news");
  });

  test("goes on to the page that the API names", () => {
    const state = parseNewsState(new URLSearchParams("label=neutral"));
    const older = olderNews(state, "/news?from=a&to=b&per_page=50&before=1-x&label=neutral");
    expect(older?.page).toEqual({ from: "a", to: "b", before: "1-x" });
    expect(olderNews(state, null)).toBeNull();
  });
});

describe("days of the index", () => {
  const day = (date: string, index: number) => ({ day: `${date}T00:00:00.000Z`, index, classification: "Fear", source: "s" });

  test("are one line until a day is missing", () => {
    const lines = stretches([day("2023-03-01", 0), day("2023-03-02", 50), day("2023-03-05", 100)]);
    expect(lines).toEqual(["0.0,240.0 250.0,120.0", "1000.0,0.0 1000.0,0.0"]);
    expect(stretches([])).toEqual([]);
  });
});
