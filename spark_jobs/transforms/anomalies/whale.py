"""One aggregate trade that is far larger than the market's others. One market. Pure.

Both must be: 1,000,000 dollars or more, and more than 999 of 1,000 of the market's trades of a
trailing week, exact to a bin of 9 %. Only USD, USDT and USDC are taken for dollars: what a trade
against another quote is worth is not known here, and no whale is told.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from market.main_market import MAIN_QUOTES
from spark_jobs.transforms.anomalies.episodes import About, Episodes, Row, Sighting, spoken, utc
from spark_jobs.transforms.anomalies.week import Week, quantile, upper_edge

FLOOR_USD = 1_000_000.0
SHARE = 0.999
# Trades before anything is said: ten of them are beyond a quantile of 0.999 then.
LEAST_TRADES = 1_000
# Whales that follow one another within this are one episode.
QUIET_MS = 60_000


class Whale:
    """State and step of one market."""

    watches: ClassVar[str] = "market"

    def __init__(self) -> None:
        self._episodes = Episodes("whale", quiet_ms=QUIET_MS)
        self._week = Week()

    def step(self, row: Row, about: About) -> Iterator[Row]:
        """Revisions that a second of trades makes."""
        largest = row["largest"]
        is_large = about.quote in MAIN_QUOTES and largest["amount"] >= FLOOR_USD
        if is_large or self._episodes:
            seen, is_whale = self._judged(row, about, largest)
            yield from self._episodes.see(about, seen, opens=is_whale, holds=is_whale)
        self._week.add(row["second_ms"], row["size_bins"])

    def _judged(self, row: Row, about: About, largest: Row) -> tuple[Sighting, bool]:
        counts = self._week.counts(row["second_ms"])
        n = sum(counts.values())
        usual = upper_edge(quantile(counts, SHARE)) if n else 0.0
        threshold, amount = max(FLOOR_USD, usual), largest["amount"]
        quote, at_ms = about.quote or "", largest["traded_at_ms"]
        side = {"buy": "buyer", "sell": "seller"}.get(largest["aggressor"] or "", "trader")
        seen = Sighting(
            at_ms=at_ms,
            collected_at_ms=row["collected_at_ms"],
            started_at_ms=at_ms,
            value=amount,
            times=amount / threshold,
            threshold=threshold,
            unit=quote or "quote",
            expected=usual if n else None,
            score=amount / threshold,
            n=n,
            window_ms=None,
            sources=[about.source],
            trade_ids=[] if largest["trade_id"] is None else [largest["trade_id"]],
            coordinates=[largest["coordinate"]],
            sentence=(
                f"A {side} took {spoken(largest['quantity'], 'coins')} for"
                f" {spoken(amount, quote)} in one trade of {about.source} {about.symbol} at"
                f" {utc(at_ms)}; of its last {n:,} trades 99.9 % were under"
                f" {spoken(usual, quote)}."
            ),
        )
        is_whale = about.quote in MAIN_QUOTES and amount >= threshold and n >= LEAST_TRADES
        return seen, is_whale

    def save(self) -> list[Any]:
        """The week's sizes and the open episode."""
        return [self._week.save(), self._episodes.save()]

    def restore(self, saved: list[Any]) -> None:
        """Take over what was saved."""
        week, episodes = saved
        self._week.restore(week)
        self._episodes.restore(episodes)
