"""Recorded bars through the whole platform, parts killed on the way, every bar compared.

The recording goes through simulator, agent, Kafka, Spark, InfluxDB and API; what the API returns is
held against the file itself.
"""

import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from market.coins import market_of
from stack.console import Step, StepBoard
from stack.failure import Failure
from stack.proofs.demo import Demo, Residence
from stack.proofs.recorded_bars import Comparison, compare, read_bars

HOUR_MS = 3_600_000
POLL_S = 1.0
# Without any bar becoming final for this long the platform is not coming back.
STUCK_AFTER_S = 180.0


@dataclass(frozen=True, slots=True)
class Replay:
    """What to play. `bars` are (symbol, file) pairs; `kills` name processes, in their order."""

    bars: tuple[tuple[str, Path], ...]
    from_ms: int
    hours: float
    speed: float
    kills: tuple[str, ...] = ()

    @property
    def to_ms(self) -> int:
        """End of the compared stretch, exclusive."""
        return self.from_ms + round(self.hours * HOUR_MS)

    def arguments(self) -> list[str]:
        """Of `cryptoviz up --demo`."""
        files = [part for symbol, path in self.bars for part in ("--bars", f"{symbol}={path}")]
        return ["bars", *files, "--from", iso(self.from_ms), "--speed", f"{self.speed:g}"]

    def moment_of_kill(self, number: int) -> int:
        """Scenario time of the kill with that number, evenly spread over the stretch."""
        share = (number + 1) / (len(self.kills) + 1)
        return self.from_ms + round((self.to_ms - self.from_ms) * share)


@dataclass(slots=True)
class ReplayReport:
    """What came of it."""

    markets: list[Comparison]
    took_s: float
    peak_resident_mb: float
    peak_by_part_mb: dict[str, float]
    kills: list[dict[str, Any]] = field(default_factory=list)
    ready_after_s: float | None = None

    @property
    def holds(self) -> bool:
        """Whether every market is equal in every bar."""
        return all(market.holds for market in self.markets)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self) | {"holds": self.holds}


class _Watch:
    """Looks at a running replay once a second: kills what is due, notes memory and progress."""

    def __init__(self, replay: Replay, demo: Demo, step: Step) -> None:
        self._replay = replay
        self._demo = demo
        self._step = step
        self._final_ms = 0
        self._moved = time.monotonic()
        self.kills: list[dict[str, Any]] = []
        self.peak_mb = 0.0
        self.peak_by_part_mb: dict[str, float] = {}

    def until_final(self) -> None:
        """Return when all bars of the stretch are final."""
        while not (self._final_ms >= self._replay.to_ms and self._all_recovered()):
            time.sleep(POLL_S)
            self._demo.fail_if_ended()
            self._note_memory()
            self._kill_what_is_due()
            self._note_progress()
            if time.monotonic() - self._moved > STUCK_AFTER_S:
                raise Failure(
                    f"no bar became final for {STUCK_AFTER_S:.0f} s (at {iso(self._final_ms)})",
                    log=self._demo.log,
                )

    def _all_recovered(self) -> bool:
        return all(kill["recovered_after_s"] is not None for kill in self.kills)

    def _note_memory(self) -> None:
        parts = self._demo.resident_mb()
        self.peak_mb = max(self.peak_mb, sum(parts.values()))
        for name, size in parts.items():
            self.peak_by_part_mb[name] = max(size, self.peak_by_part_mb.get(name, 0.0))

    def _kill_what_is_due(self) -> None:
        number = len(self.kills)
        if number == len(self._replay.kills):
            return
        if self._demo.now_ms() < self._replay.moment_of_kill(number):
            return
        name = self._replay.kills[number]
        at_ms = self._demo.now_ms()
        self.kills.append(
            {
                "process": name,
                "pid": self._demo.kill(name),
                "at": iso(at_ms),
                "at_ms": at_ms,
                "killed": time.monotonic(),
                "recovered_after_s": None,
            }
        )

    def _note_progress(self) -> None:
        final_ms = self._final_through()
        if final_ms > self._final_ms:
            self._final_ms, self._moved = final_ms, time.monotonic()
            # Recovered: a bar that closed after the kill has become final.
            for kill in self.kills:
                if kill["recovered_after_s"] is None and final_ms > kill["at_ms"] + 60_000:
                    kill["recovered_after_s"] = round(time.monotonic() - kill["killed"], 1)
        self._step.tell(
            f"scenario {iso(self._demo.now_ms())}, final to {iso(self._final_ms)},"
            f" {len(self.kills)} of {len(self._replay.kills)} kills"
        )

    def _final_through(self) -> int:
        symbol = self._replay.bars[0][0]
        try:
            answer = self._demo.get(
                f"/coins/{market_of('binance', symbol).coin_id}/candles",
                symbol=symbol,
                interval="1m",
                **{"from": iso(self._replay.from_ms), "to": iso(self._replay.from_ms + 60_000)},
            )
        except httpx.HTTPError:
            return self._final_ms  # a part is being restarted; that is what this proof is about
        through = answer["meta"]["final_through"]
        if through is None:
            return self._final_ms
        return round(datetime.fromisoformat(through).timestamp() * 1000)


def run_replay(replay: Replay, home_root: Path, board: StepBoard) -> ReplayReport:
    """Start a platform of its own, play, kill, wait, compare."""
    started = time.monotonic()
    with Demo(Residence.new(home_root), replay.arguments()) as demo:
        start = board.step("start the platform")
        demo.wait_until_ready()
        ready_after_s = round(time.monotonic() - started, 1)
        start.done(f"ready at {demo.web}")
        report = play_and_compare(replay, demo, board)
    report.ready_after_s = ready_after_s
    return report


def play_and_compare(replay: Replay, demo: Demo, board: StepBoard) -> ReplayReport:
    """On a platform that runs: kill what is to be killed, wait until all is final, compare."""
    started = time.monotonic()
    play = board.step("replay")
    watch = _Watch(replay, demo, play)
    watch.until_final()
    play.done(f"all bars before {iso(replay.to_ms)} are final")
    check = board.step("compare")
    markets = [_compared(demo, replay, symbol, path) for symbol, path in replay.bars]
    check.done(f"{sum(market.equal for market in markets)} bars equal")
    return ReplayReport(
        markets=markets,
        took_s=round(time.monotonic() - started, 1),
        peak_resident_mb=round(watch.peak_mb),
        peak_by_part_mb={name: round(size) for name, size in watch.peak_by_part_mb.items()},
        kills=[
            {name: told for name, told in kill.items() if name not in ("killed", "at_ms")}
            for kill in watch.kills
        ],
    )


def _compared(demo: Demo, replay: Replay, symbol: str, path: Path) -> Comparison:
    answer = demo.get(
        f"/coins/{market_of('binance', symbol).coin_id}/candles",
        symbol=symbol,
        interval="1m",
        **{"from": iso(replay.from_ms), "to": iso(replay.to_ms)},
    )
    recorded = read_bars(path, from_ms=replay.from_ms, to_ms=replay.to_ms)
    return compare(symbol, recorded, answer)


def iso(moment_ms: int) -> str:
    """RFC 3339 to the second, UTC."""
    return datetime.fromtimestamp(moment_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
