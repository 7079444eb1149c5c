"""Quality of every series, minute by minute: a stateful core for all of them. Pure.

Rows in (`pulse_rows.py`), by `kind`: `bar` (a final minute of a market, at its close), `price` (a
snapshot, when it was received), `gap` and `health` (when they were said). Rows out: columns of
`measurements.QUALITY` with `time_ms`, one a series and minute in which an agent gave a heartbeat:
while the platform is down there is nobody to judge.

Rows wait until the heartbeats are `settle_ms` past the end of their minute, and count in the order
of their times; so what is given does not depend on how the rows are cut into steps, as long as none
comes later than that. One that does counts from the next minute on. Time is the newest heartbeat,
save one that is an hour ahead of all others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from market.main_market import MAIN_QUOTES
from market.store.compose import ceil_ms
from spark_jobs.transforms import quality_parts as judged
from spark_jobs.transforms.bar_pieces import Row
from spark_jobs.transforms.quality_parts import Heard, Part
from spark_jobs.transforms.saved_state import unknown_version

VERSION = 1
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
# The quotes of a minute are kept that long for others to be compared with: snapshots come late. In
# a replay final bars do too, by tens of minutes of its time, so what settling takes comes on top.
ALIGNED_WITHIN_MS = 10 * MINUTE_MS
# Bounds of the state, far above what 250 coins of two sources and their markets need.
MOST_SERIES = 5_000
MOST_WAITING = 50_000
MOST_GAPS = 200
MOST_QUOTES = 60
# The agent that feeds a source's series, where it bears another name.
AGENTS = {"binance": "binance_trades"}


@dataclass(slots=True)
class _Series:
    """A market or a coin's snapshots of one source."""

    kind: str
    coin_id: str
    source: str
    symbol: str
    is_in_dollars: bool
    observed_ms: int = 0
    told_ms: int = 0
    quotes: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """By minute: price, low, high."""
    ids: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """By minute of the trailing hour: first id, last id, ids held."""


class Quality:
    """State and step of all series."""

    def __init__(self, *, settle_ms: int, speed: float = 1.0, is_replay: bool = False) -> None:
        self._settle_ms = settle_ms
        self._allowance_ms = int(10_000 * speed) if is_replay else 0
        self._aligned_within_ms = ALIGNED_WITHIN_MS + settle_ms + self._allowance_ms
        self._heard_within_ms = int(judged.HEARD_WITHIN_MS * max(speed, 1.0))
        self._waiting: list[Row] = []
        self._heard: dict[str, int] = {}
        self._judged_ms = 0
        self._series: dict[str, _Series] = {}
        self._health: dict[str, dict[str, Any]] = {}
        self._gaps: dict[str, dict[str, tuple[int, str]]] = {}

    def step(self, rows: Iterable[Row]) -> list[Row]:
        """Rows in any order to the qualities of the minutes that have settled."""
        for row in rows:
            self._waiting.append(row)
            if row["kind"] == "health":
                said_ms = max(self._heard.get(row["source"], 0), row["time_ms"])
                self._heard[row["source"]] = said_ms
        if not self._heard:
            return []
        through_ms = self._time_ms() - self._settle_ms
        self._waiting.sort(key=_in_order)
        beats = {ceil_ms(row["time_ms"], MINUTE_MS) for row in self._waiting if _is_beat(row)}
        out: list[Row] = []
        for end_ms in sorted(beats):
            if self._judged_ms < end_ms <= through_ms:
                self._take(end_ms)
                out += self._judge(end_ms)
                self._judged_ms = end_ms
        self._take(through_ms - through_ms % MINUTE_MS)
        del self._waiting[MOST_WAITING:]
        return out

    def _time_ms(self) -> int:
        newest = sorted(self._heard.values())[-2:]
        return newest[-1] if newest[-1] - newest[0] <= HOUR_MS else newest[0]

    def _take(self, end_ms: int) -> None:
        """Count what was said until then."""
        left = 0
        for row in self._waiting:
            if row["time_ms"] > end_ms:
                break
            left += 1
            if row["kind"] == "health":
                self._health[row["source"]] = dict(row)
            elif row["kind"] == "gap":
                self._take_gap(row)
            else:
                self._take_quote(row)
        del self._waiting[:left]

    def _take_gap(self, row: Row) -> None:
        gaps = self._gaps.setdefault(f"{row['source']}|{row['symbol']}", {})
        gaps[f"{row['from_id']}-{row['to_id']}"] = (row["time_ms"], row["state"])
        while len(gaps) > MOST_GAPS:
            del gaps[min(gaps, key=lambda name: gaps[name][0])]

    def _take_quote(self, row: Row) -> None:
        kind = "market" if row["kind"] == "bar" else "snapshot"
        key = f"{kind}|{row['source']}|{row['symbol']}|{row['coin_id']}"
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= MOST_SERIES:
                return
            is_in_dollars = kind == "snapshot" or row["quote"] in MAIN_QUOTES
            series = _Series(kind, row["coin_id"], row["source"], row["symbol"], is_in_dollars)
            self._series[key] = series
        series.told_ms = max(series.told_ms, row["time_ms"])
        series.observed_ms = max(series.observed_ms, row["observed_at_ms"])
        minute_ms = (row["observed_at_ms"] // MINUTE_MS) * MINUTE_MS
        if row["price"] is not None and row["price"] > 0:
            price = row["price"]
            series.quotes[str(minute_ms)] = (price, row["low"] or price, row["high"] or price)
            if len(series.quotes) > MOST_QUOTES:
                del series.quotes[min(series.quotes, key=int)]
        if row["first_trade_id"] is not None and row["coverage"] is not None:
            first, last = row["first_trade_id"], row["last_trade_id"]
            held = round(min(row["coverage"], 1.0) * (last - first + 1))
            series.ids[str(row["time_ms"] - MINUTE_MS)] = (first, last, held)

    def _judge(self, end_ms: int) -> Iterator[Row]:
        self._forget(end_ms)
        by_coin: dict[str, list[_Series]] = {}
        for series in self._series.values():
            by_coin.setdefault(series.coin_id, []).append(series)
        for key in sorted(self._series):
            series = self._series[key]
            parts = self._parts(series, by_coin[series.coin_id], end_ms)
            score, reason = judged.score_of(parts)
            marks = {name: None if part is None else part.marks for name, part in parts.items()}
            yield {
                "kind": series.kind,
                "coin_id": series.coin_id,
                "source": series.source,
                "symbol": series.symbol,
                "time_ms": end_ms - MINUTE_MS,
                "score": score,
                **marks,
                "reason": reason,
            }

    def _parts(
        self, series: _Series, of_coin: Iterable[_Series], end_ms: int
    ) -> dict[str, Part | None]:
        is_market = series.kind == "market"
        gaps = self._gaps.get(f"{series.source}|{series.symbol}", {}).values()
        states = [state for at_ms, state in gaps if state == "open" or at_ms > end_ms - HOUR_MS]
        counted = {state: states.count(state) for state in judged.GAP_MARKS}
        return {
            "freshness": judged.freshness(
                series.kind, end_ms - series.observed_ms, allowance_ms=self._allowance_ms
            ),
            "coverage": _coverage(series),
            "agreement": _agreement(series, of_coin),
            "source_health": judged.source_health(
                self._heard_of(series, end_ms), limit_ms=self._heard_within_ms
            ),
            "repairs": judged.repairs(counted) if is_market else None,
        }

    def _heard_of(self, series: _Series, end_ms: int) -> Heard | None:
        agent = AGENTS.get(series.source, series.source)
        beat = self._health.get(agent)
        if beat is None:
            return None
        return Heard(
            agent=agent,
            age_ms=end_ms - beat["time_ms"],
            state=beat["state"],
            breaker=beat["breaker"],
            reason=beat["reason"] or "",
            is_silent=bool(series.symbol) and series.symbol in beat["silent_symbols"].split(","),
        )

    def _forget(self, end_ms: int) -> None:
        """What no later minute can ask for."""
        for key, series in list(self._series.items()):
            if series.told_ms < end_ms - DAY_MS:
                del self._series[key]
            for minute in [m for m in series.ids if int(m) < end_ms - HOUR_MS]:
                del series.ids[minute]
            for minute in [m for m in series.quotes if int(m) < end_ms - self._aligned_within_ms]:
                del series.quotes[minute]
        for key, gaps in list(self._gaps.items()):
            for name, (at_ms, state) in list(gaps.items()):
                if at_ms < end_ms - (DAY_MS if state == "open" else HOUR_MS):
                    del gaps[name]
            if not gaps:
                del self._gaps[key]

    def save(self) -> bytes:
        """The whole state."""
        return orjson.dumps(
            {
                "version": VERSION,
                "waiting": self._waiting,
                "heard": self._heard,
                "judged_ms": self._judged_ms,
                "series": self._series,
                "health": self._health,
                "gaps": self._gaps,
            }
        )

    def restore(self, state: bytes) -> None:
        """Go on from what was saved. Raises Fatal where another version of the code saved it."""
        saved: dict[str, Any] = orjson.loads(state)
        if saved["version"] != VERSION:
            raise unknown_version(saved["version"], VERSION)
        self._waiting, self._heard = saved["waiting"], saved["heard"]
        self._judged_ms, self._health = saved["judged_ms"], saved["health"]
        self._series = {key: _Series(**one) for key, one in saved["series"].items()}
        self._gaps = saved["gaps"]


def _is_beat(row: Row) -> bool:
    is_beat: bool = row["kind"] == "health"
    return is_beat


def _in_order(row: Row) -> tuple[int, bytes]:
    """By time; at one time by all that a row says, so that the order never depends on arrival."""
    return row["time_ms"], orjson.dumps(row, option=orjson.OPT_SORT_KEYS)


def _coverage(series: _Series) -> Part | None:
    if not series.ids:
        return None
    firsts, lasts, held = zip(*series.ids.values(), strict=True)
    return judged.coverage(sum(held), max(lasts) - min(firsts) + 1)


def _agreement(series: _Series, of_coin: Iterable[_Series]) -> Part | None:
    """In the newest minute in which it and another one of the coin were quoted."""
    if not series.is_in_dollars:
        return None
    others = [one for one in of_coin if one is not series and one.is_in_dollars]
    for minute in sorted(series.quotes, key=int, reverse=True):
        prices = [one.quotes[minute][0] for one in others if minute in one.quotes]
        if prices:
            _, low, high = series.quotes[minute]
            return judged.agreement(low, high, prices)
    return None
