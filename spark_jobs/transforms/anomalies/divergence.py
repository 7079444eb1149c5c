"""Two quotes of one coin in dollars that differ by more than 1 %. All quotes of a coin. Pure.

A quote is the last price of a market in USD, USDT or USDC, or a source's snapshot. USDT and USDC
are taken for dollars: where they are not, this says so. Two quotes are aligned when they are of
nearly the same moment, within twice the usual pause between the quotes of the slower of the two,
2 s at least and 30 s at most for markets; a snapshot is held against the market's price of the
moment that it tells of. What is not aligned is not compared: a stale quote is no divergence.

A quick move reaches one quote before the other, and one poll may be wrong: so two markets differ
when their quotes are of the same second, any other pair when it still does with a new
quote on both sides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from market.main_market import MAIN_QUOTES
from spark_jobs.transforms.anomalies.episodes import About, Episodes, Row, Sighting, spoken, utc

OPENS_PCT = 1.0
HOLDS_SHARE = 0.5
QUIET_MS = 60_000
# An episode whose quotes are compared no more ends after this.
LAPSES_MS = 900_000
CADENCES = 2
# Two markets' quotes of the same second need no second look. Rows of a second come one after the
# other, so an earlier second's quote may only not have been renewed yet.
SAME_MS = 1_000
CLOSEST_MS, FURTHEST_MS = 2_000, 30_000
# Snapshots of two sources, each of the moment it tells of: in a fall of 4 % a minute two that were
# a minute apart differed by more than 1 % while both were right.
SNAPSHOTS_APART_MS = 15_000
# How far back a snapshot may tell of, and how finely prices are kept for it.
TOLD_WITHIN_MS, EVERY_MS = 600_000, 5_000
# Weight of the newest pause in the usual one.
NEWEST_WEIGHT = 0.1


@dataclass(frozen=True, slots=True)
class Pair:
    """Two aligned quotes: what is compared, what with, and by how much it is dearer."""

    about: About
    price: float
    other_price: float
    moments_ms: tuple[int, int]
    tolerance_ms: int
    difference_pct: float

    @property
    def apart_ms(self) -> int:
        """Between the moments of both."""
        return abs(self.moments_ms[0] - self.moments_ms[1])

    @property
    def is_close(self) -> bool:
        """Whether both are markets, and of the same second."""
        markets = self.about.symbol is not None and self.about.other_symbol is not None
        one_ms, other_ms = self.moments_ms
        return markets and one_ms // SAME_MS == other_ms // SAME_MS


class Divergence:
    """State and step of one coin."""

    watches: ClassVar[str] = "coin"

    def __init__(self, opens_pct: float = OPENS_PCT) -> None:
        self._opens_pct = opens_pct
        self._episodes = Episodes("divergence", quiet_ms=QUIET_MS)
        self._quotes: dict[str, dict[str, Any]] = {}
        # Pairs beyond the threshold: since when, and of when both quotes were then.
        self._beyond: dict[str, list[int]] = {}

    def step(self, row: Row, _about: About) -> Iterator[Row]:
        """Revisions that a new quote makes."""
        for pair in self.compare(row):
            yield from self.judge(row, pair)
        yield from self.lapsed(row)

    def compare(self, row: Row) -> list[Pair]:
        """The new quote with every other that is aligned with it."""
        if row["what"] == "trades" and row["quote"] not in MAIN_QUOTES:
            return []
        quote = self._taken(row)
        if quote is None:
            return []
        others = [one for one in self._quotes.values() if one["name"] != quote["name"]]
        pairs = (_pair(row["coin_id"], quote, other) for other in others)
        return [pair for pair in pairs if pair is not None]

    def _taken(self, row: Row) -> dict[str, Any] | None:
        """The quote of a row, kept as the newest of its series; None where it is no news."""
        is_market = row["what"] == "trades"
        name = f"{row['source']}|{row['symbol'] if is_market else ''}"
        at_ms = row["last_traded_at_ms"] if is_market else row["observed_at_ms"]
        price = row["close"] if is_market else row["price_usd"]
        held = self._quotes.get(name)
        if not price or (held is not None and at_ms <= held["at_ms"]):
            return None
        quote = held or {
            "name": name,
            "source": row["source"],
            "symbol": row["symbol"] if is_market else None,
            "quote": row["quote"] if is_market else "USD",
            "usual_ms": None,
            "past": [],
        }
        if held is not None:
            pause_ms, usual_ms = at_ms - held["at_ms"], held["usual_ms"]
            weight = 1.0 if usual_ms is None else NEWEST_WEIGHT
            quote["usual_ms"] = (usual_ms or 0.0) + weight * (pause_ms - (usual_ms or 0.0))
        quote |= {"at_ms": at_ms, "price": price, "coordinate": row["coordinate"]}
        if is_market:
            _remember(quote["past"], at_ms, price)
        self._quotes[name] = quote
        return quote

    def judge(self, row: Row, pair: Pair) -> Iterator[Row]:
        """Revisions that one pair makes."""
        size_pct, about = abs(pair.difference_pct), pair.about
        opens = size_pct > self._opens_pct
        since = self._beyond.get(about.subject)
        if opens:
            since = self._beyond.setdefault(about.subject, [_moment_ms(row), *pair.moments_ms])
            then = since[1], since[2]
            is_renewed = pair.moments_ms[0] > then[0] and pair.moments_ms[1] > then[1]
            opens = is_renewed or pair.is_close
        elif since is not None:
            del self._beyond[about.subject]
        if not opens and about.subject not in self._episodes:
            return
        started_at_ms = since[0] if since else _moment_ms(row)
        seen = _sighting(row, pair, self._evidence(about), (started_at_ms, self._opens_pct))
        holds = size_pct >= HOLDS_SHARE * self._opens_pct
        yield from self._episodes.see(about, seen, opens=opens, holds=holds)

    def lapsed(self, row: Row) -> Iterator[Row]:
        """Ends of episodes whose quotes are compared no more."""
        if self._episodes:
            yield from self._episodes.lapse(
                row["second_ms"], row["collected_at_ms"], after_ms=LAPSES_MS
            )

    def _evidence(self, about: About) -> Sequence[str]:
        names = (
            f"{about.source}|{about.symbol or ''}",
            f"{about.other_source}|{about.other_symbol or ''}",
        )
        return [self._quotes[name]["coordinate"] for name in names if name in self._quotes]

    def save(self) -> list[Any]:
        """The newest quotes, pairs beyond the threshold, open episodes."""
        return [self._quotes, self._beyond, self._episodes.save()]

    def restore(self, saved: list[Any]) -> None:
        """Take over what was saved."""
        self._quotes, self._beyond, episodes = saved
        self._episodes.restore(episodes)


def difference_pct(price: float, other_price: float) -> float:
    """By how much the dearer is above the cheaper, percent; negative where that is the second."""
    if price >= other_price:
        return 100 * (price / other_price - 1)
    return -100 * (other_price / price - 1)


def _moment_ms(row: Row) -> int:
    """When a quote was known."""
    moment_ms: int = row["last_traded_at_ms"] or row["collected_at_ms"]
    return moment_ms


def _remember(past: list[list[float]], at_ms: int, price: float) -> None:
    """One price of each few seconds, the last."""
    if past and past[-1][0] // EVERY_MS == at_ms // EVERY_MS:
        past.pop()
    past.append([at_ms, price])
    while past[0][0] < at_ms - TOLD_WITHIN_MS:
        del past[0]


def _pair(coin_id: str, new: dict[str, Any], other: dict[str, Any]) -> Pair | None:
    new_at, other_at = [new["at_ms"], new["price"]], [other["at_ms"], other["price"]]
    if new["symbol"] is None and other["symbol"] is not None:
        other_at = _as_of(other["past"], new["at_ms"])
    elif new["symbol"] is not None and other["symbol"] is None:
        return None  # a snapshot is compared when it comes, with the market's price of its moment
    tolerance_ms = _tolerance_ms(new, other)
    if abs(new_at[0] - other_at[0]) > tolerance_ms:
        return None
    (one, first), (two, second) = sorted(
        ((new, new_at), (other, other_at)), key=lambda pair: _mainness(pair[0]), reverse=True
    )
    about = About(
        source=one["source"],
        coin_id=coin_id,
        symbol=one["symbol"],
        quote=one["quote"],
        other_source=two["source"],
        other_symbol=two["symbol"],
    )
    difference = difference_pct(first[1], second[1])
    moments_ms = int(first[0]), int(second[0])
    return Pair(about, first[1], second[1], moments_ms, tolerance_ms, difference)


def _as_of(past: Sequence[list[float]], at_ms: int) -> list[float]:
    """The newest price kept at or before a moment; the oldest where none is."""
    return next((one for one in reversed(past) if one[0] <= at_ms), past[0])


def _tolerance_ms(one: dict[str, Any], two: dict[str, Any]) -> int:
    if one["symbol"] is None and two["symbol"] is None:
        return SNAPSHOTS_APART_MS
    markets = [quote for quote in (one, two) if quote["symbol"] is not None]
    usual_ms = max(quote["usual_ms"] or 0.0 for quote in markets)
    return int(min(max(CADENCES * usual_ms, CLOSEST_MS), FURTHEST_MS))


def _mainness(quote: dict[str, Any]) -> tuple[bool, int, str]:
    """Ascending from the quote that others are held against: markets first, by their dollars."""
    return (quote["symbol"] is None, MAIN_QUOTES.index(quote["quote"]), quote["name"])


def _sighting(
    row: Row, pair: Pair, coordinates: Sequence[str], opening: tuple[int, float]
) -> Sighting:
    """`opening` is when the pair went beyond the threshold, and the threshold."""
    started_at_ms, opens_pct = opening
    about, at_ms = pair.about, _moment_ms(row)
    one = f"{about.source} {about.symbol or 'snapshot'}"
    two = f"{about.other_source} {about.other_symbol or 'snapshot'}"
    more = "more" if pair.difference_pct > 0 else "less"
    return Sighting(
        at_ms=at_ms,
        collected_at_ms=row["collected_at_ms"],
        started_at_ms=started_at_ms,
        value=pair.difference_pct,
        times=abs(pair.difference_pct) / opens_pct,
        threshold=opens_pct,
        unit="pct",
        expected=0.0,
        score=abs(pair.difference_pct) / opens_pct,
        n=2,
        window_ms=pair.tolerance_ms,
        sources=[one, two],
        coordinates=coordinates,
        sentence=(
            f"{about.coin_id} cost {abs(pair.difference_pct):.2f} % {more} on {one}"
            f" ({spoken(pair.price, about.quote or '')}) than on {two}"
            f" ({spoken(pair.other_price, 'dollars')}) at {utc(at_ms)}, quotes"
            f" {pair.apart_ms / 1000:.1f} s apart (threshold {opens_pct:g} %)."
        ),
    )
