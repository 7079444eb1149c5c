"""A coin whose market capitalisation passes that of the coin above it. All snapshots. Pure.

Each source has a ranking of its own, settled by what it tells first. A coin passes its neighbour
above when it is MARGIN_PCT above it in two polls in a row, and stays there until that one passes it
by as much: jitter of two stablecoins that are worth the same never does, and neither does one wrong
poll. An episode lasts an hour or until the order turns again.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

from spark_jobs.transforms.anomalies.episodes import About, Episodes, Row, Sighting, spoken, utc

MARGIN_PCT = 0.5
POLLS = 2
LASTS_MS = 3_600_000
# A coin that a source tells no more leaves its ranking after this.
FORGOTTEN_MS = 86_400_000
COINS_AT_MOST = 1_000


class Overtake:
    """State and step of all coins of all sources."""

    watches: ClassVar[str] = "ranking"

    def __init__(self) -> None:
        self._episodes = Episodes("overtake", quiet_ms=0)
        self._rankings: dict[str, dict[str, Any]] = {}

    def step(self, row: Row, _about: About) -> Iterator[Row]:
        """Revisions that a snapshot makes."""
        cap = row["market_cap_usd"]
        if cap:
            ranking = self._rankings.setdefault(row["source"], {"order": [], "caps": {}, "led": {}})
            yield from self._told(row, ranking, cap)
        if self._episodes:
            yield from self._episodes.lapse(
                row["second_ms"], row["collected_at_ms"], after_ms=LASTS_MS
            )

    def _told(self, row: Row, ranking: dict[str, Any], cap: float) -> Iterator[Row]:
        coin_id, order, caps = row["coin_id"], ranking["order"], ranking["caps"]
        held = caps.get(coin_id)
        if held is not None and row["observed_at_ms"] <= held[1]:
            return  # the same poll again
        caps[coin_id] = [cap, row["observed_at_ms"], row["coordinate"]]
        if held is None:
            self._enter(row["second_ms"], ranking, coin_id, cap)
            return
        place = order.index(coin_id)
        while place > 0 and self._has_passed(row, ranking, coin_id, order[place - 1]):
            above = order[place - 1]
            order[place - 1 : place + 1] = [coin_id, above]
            ranking["led"].pop(coin_id, None)
            place -= 1
            yield from self._opened(row, ranking, coin_id, above)
        if place + 1 < len(order):
            yield from self._turned(row, ranking, order[place + 1], coin_id)

    def _enter(self, at_ms: int, ranking: dict[str, Any], coin_id: str, cap: float) -> None:
        order, caps = ranking["order"], ranking["caps"]
        place = next((n for n, other in enumerate(order) if caps[other][0] < cap), len(order))
        order.insert(place, coin_id)
        if len(order) > COINS_AT_MOST:
            _forget(ranking, order[-1])
        for other in [one for one in order if caps[one][1] < at_ms - FORGOTTEN_MS]:
            _forget(ranking, other)

    def _has_passed(self, row: Row, ranking: dict[str, Any], coin_id: str, above: str) -> bool:
        """Whether it is beyond the margin, and was at the poll before."""
        if _lead_pct(ranking, coin_id, above) < MARGIN_PCT:
            ranking["led"].pop(coin_id, None)
            return False
        rival, polls, seen_ms = ranking["led"].get(coin_id, [above, 0, -1])
        polls = polls if rival == above else 0
        if seen_ms != row["observed_at_ms"] or polls == 0:
            polls += 1
        ranking["led"][coin_id] = [above, polls, row["observed_at_ms"]]
        # Both must have been told twice: the one above may not have been asked for since.
        return bool(polls >= POLLS)

    def _opened(self, row: Row, ranking: dict[str, Any], coin_id: str, above: str) -> Iterator[Row]:
        """The end of the opposite episode and the beginning of this one."""
        about, seen = _sighting(row, ranking, coin_id, above)
        back = About(row["source"], coin_id=above, other_coin_id=coin_id)
        if back.subject in self._episodes:
            lost = replace(seen, value=-seen.value)
            yield from self._episodes.see(back, lost, opens=False, holds=False)
        yield from self._episodes.see(about, seen, opens=True, holds=True)

    def _turned(self, row: Row, ranking: dict[str, Any], below: str, coin_id: str) -> Iterator[Row]:
        """The lead of an open episode has grown, or is what it was."""
        about = About(row["source"], coin_id=coin_id, other_coin_id=below)
        if about.subject not in self._episodes:
            return
        _, seen = _sighting(row, ranking, coin_id, below)
        lasted_ms = seen.at_ms - self._episodes.started_at_ms(about.subject)
        yield from self._episodes.see(about, seen, opens=False, holds=lasted_ms < LASTS_MS)

    def save(self) -> list[Any]:
        """The rankings and the open episodes."""
        return [self._rankings, self._episodes.save()]

    def restore(self, saved: list[Any]) -> None:
        """Take over what was saved."""
        self._rankings, episodes = saved
        self._episodes.restore(episodes)


def _forget(ranking: dict[str, Any], coin_id: str) -> None:
    ranking["order"].remove(coin_id)
    del ranking["caps"][coin_id]
    ranking["led"].pop(coin_id, None)


def _lead_pct(ranking: dict[str, Any], coin_id: str, other: str) -> float:
    caps = ranking["caps"]
    return float(100 * (caps[coin_id][0] / caps[other][0] - 1))


def _sighting(
    row: Row, ranking: dict[str, Any], coin_id: str, other: str
) -> tuple[About, Sighting]:
    caps, at_ms = ranking["caps"], row["collected_at_ms"]
    lead_pct, rank = _lead_pct(ranking, coin_id, other), ranking["order"].index(coin_id) + 1
    about = About(row["source"], coin_id=coin_id, other_coin_id=other)
    seen = Sighting(
        at_ms=at_ms,
        collected_at_ms=row["collected_at_ms"],
        started_at_ms=row["observed_at_ms"],
        value=lead_pct,
        times=lead_pct / MARGIN_PCT / 4,
        threshold=MARGIN_PCT,
        unit="pct",
        expected=0.0,
        score=lead_pct / MARGIN_PCT,
        n=POLLS,
        window_ms=None,
        sources=[row["source"]],
        coordinates=[caps[coin_id][2], caps[other][2]],
        sentence=(
            f"{coin_id} ({spoken(caps[coin_id][0], 'USD')}) passed {other}"
            f" ({spoken(caps[other][0], 'USD')}) in market capitalisation and is number {rank} of"
            f" those that {row['source']} tells, {lead_pct:.2f} % ahead at {utc(at_ms)}"
            f" (threshold {MARGIN_PCT:g} % in {POLLS} polls)."
        ),
    )
    return about, seen
