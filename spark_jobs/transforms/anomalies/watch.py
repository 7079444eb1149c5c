"""The stateful core of job `anomalies`: detectors of one coin, of the ranking or of all sources.

Rows in: those of `seconds.py` in ORDER. Rows out: columns of `measurements.ANOMALIES` with
`stamp_ns`, each a revision of an episode. What is given does not depend on how the rows are cut
into steps.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from spark_jobs.transforms.anomalies import DETECTORS, Detector
from spark_jobs.transforms.anomalies.bad_ticks import BadTicks
from spark_jobs.transforms.anomalies.episodes import About, Row
from spark_jobs.transforms.anomalies.seconds import RANKING, SOURCES
from spark_jobs.transforms.saved_state import unknown_version

VERSION = 1
SNAPSHOT_TRADES = 1


class Series:
    """One market, or the snapshots of one source: its bad ticks, and a market's detectors."""

    def __init__(self, *, is_market: bool) -> None:
        self.bad_ticks = BadTicks()
        self.detectors = _detectors("market") if is_market else []

    def save(self) -> list[Any]:
        """Its state as JSON."""
        return [self.bad_ticks.save(), [one.save() for one in self.detectors]]

    def restore(self, saved: list[Any]) -> None:
        """Take over what was saved."""
        bad_ticks, detectors = saved
        self.bad_ticks.restore(bad_ticks)
        for detector, state in zip(self.detectors, detectors, strict=True):
            detector.restore(state)


class CoinWatch:
    """One coin: each of its markets, and all its quotes together."""

    def __init__(self) -> None:
        self._series: dict[str, Series] = {}
        self._detectors = _detectors("coin")

    def step(self, rows: Iterable[Row]) -> list[Row]:
        """Seconds of trades and snapshots in event order to the revisions they make."""
        return [revision for row in rows for revision in self._step(row)]

    def _step(self, row: Row) -> Iterator[Row]:
        is_market = row["what"] == "trades"
        price = row["close"] if is_market else row["price_usd"]
        if not price:
            return
        name = f"{row['source']}|{row['symbol'] if is_market else ''}"
        series = self._series.get(name)
        if series is None:
            series = self._series[name] = Series(is_market=is_market)
        about = _about(row)
        trades = row["trades"] if is_market else SNAPSHOT_TRADES
        for passed in series.bad_ticks.passed(row, price, trades):
            for detector in (*series.detectors, *self._detectors):
                yield from detector.step(passed, about)

    def save(self) -> bytes:
        """The whole state."""
        held = {name: series.save() for name, series in self._series.items()}
        return _dumped([held, [one.save() for one in self._detectors]])

    def restore(self, saved: list[Any]) -> None:
        """Take over what was saved."""
        held, detectors = saved
        for name, state in held.items():
            self._series[name] = Series(is_market=not name.endswith("|"))
            self._series[name].restore(state)
        for detector, state in zip(self._detectors, detectors, strict=True):
            detector.restore(state)


class WideWatch:
    """All coins of the rankings, or all sources."""

    def __init__(self, watches: str) -> None:
        self._detectors = _detectors(watches)

    def step(self, rows: Iterable[Row]) -> list[Row]:
        """Snapshots or heartbeats in event order to the revisions they make."""
        return [
            revision
            for row in rows
            for detector in self._detectors
            for revision in detector.step(row, _about(row))
        ]

    def save(self) -> bytes:
        """The whole state."""
        return _dumped([one.save() for one in self._detectors])

    def restore(self, saved: list[Any]) -> None:
        """Take over what was saved."""
        for detector, state in zip(self._detectors, saved, strict=True):
            detector.restore(state)


def open_core(key: str, state: bytes | None) -> CoinWatch | WideWatch:
    """The core of a key, from its saved state. Raises Fatal where another version saved it."""
    wide = {RANKING: "ranking", SOURCES: "sources"}
    found = WideWatch(wide[key]) if key in wide else CoinWatch()
    if state is not None:
        version, saved = orjson.loads(state)
        if version != VERSION:
            raise unknown_version(version, VERSION)
        found.restore(saved)
    return found


def _detectors(watches: str) -> Sequence[Detector]:
    return [kind() for kind in DETECTORS if kind.watches == watches]


def _about(row: Row) -> About:
    is_market = row["what"] == "trades"
    return About(
        source=row["source"],
        coin_id=row["coin_id"],
        symbol=row["symbol"] if is_market else None,
        quote=row["quote"] if is_market else None,
    )


def _dumped(state: list[Any]) -> bytes:
    return orjson.dumps([VERSION, state])
