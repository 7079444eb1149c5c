"""The market scenario's planted anomalies through the whole platform, held against their truth.

A demo plays from a fixed start. What the API lists afterwards, which the job `anomalies` found and
InfluxDB holds, is compared with what the simulator says that it planted.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from market.anomaly import KINDS
from stack.console import Step, StepBoard
from stack.demo import MARKET_FROM_MS
from stack.failure import Failure
from stack.interrupt import pause
from stack.proofs.demo import Demo, Residence
from stack.proofs.episodes import Episode, KindReport, Truth, holds, judge, precision
from stack.proofs.replayed_bars import iso
from stack.proofs.venue import Venue

HOUR_MS = 3_600_000
PAGE = 200
LOOK_S = 2.0
# A detector may wait for a heartbeat, a poll or a watermark; then what it found must stand still.
SETTLED_S, SETTLES_WITHIN_S = 30.0, 240.0
# Scenario time that stands still for this long of real time will not go on.
STUCK_AFTER_S = 180.0


@dataclass(frozen=True, slots=True)
class PlantedRun:
    """What to play."""

    hours: float
    speed: float
    seed: int

    @property
    def to_ms(self) -> int:
        """End of the compared stretch."""
        return MARKET_FROM_MS + round(self.hours * HOUR_MS)

    def arguments(self) -> list[str]:
        """Of `cryptoviz up --demo`."""
        start = ("--from", iso(MARKET_FROM_MS), "--speed", f"{self.speed:g}")
        return ["market", *start, "--seed", str(self.seed)]


@dataclass(frozen=True, slots=True)
class PlantedReport:
    """Outcome by kind."""

    kinds: Mapping[str, KindReport]
    seconds: float
    settled: bool

    @property
    def precision(self) -> float | None:
        """Of all kinds together."""
        return precision(self.kinds)

    @property
    def holds(self) -> bool:
        """Whether the targets are met."""
        return holds(self.kinds)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        kinds = {
            kind: asdict(one)
            | {"delay_s_median": one.delay_s_median, "delay_s_max": one.delay_s_max}
            for kind, one in self.kinds.items()
        }
        told = {"kinds": kinds, "precision": self.precision, "holds": self.holds}
        return told | {"seconds": self.seconds, "settled": self.settled}


def run_planted(run: PlantedRun, home_root: Path, board: StepBoard) -> PlantedReport:
    """Play and compare. Raises Failure where the demo does not get there."""
    began = time.monotonic()
    with Demo(Residence.new(home_root), run.arguments()) as demo:
        start = board.step("start the platform")
        demo.wait_until_ready()
        start.done(f"ready at {demo.web}")
        play = board.step("play")
        _until(demo, run.to_ms, play)
        play.done(f"played to {iso(run.to_ms)}")
        compare = board.step("compare")
        episodes, settled = _settled_episodes(demo, run.to_ms, compare)
        truths = _truths(demo, run.to_ms)
        compare.done(f"{len(episodes)} episodes, {len(truths)} truths")
    # What had not ended at the end of the stretch may still be on its way to being found.
    whole = [one for one in truths if one.ended_at_ms <= run.to_ms or not one.is_planted]
    open_ones = [one for one in truths if one not in whole]
    episodes = [one for one in episodes if not any(one.is_of(truth) for truth in open_ones)]
    kinds = judge(whole, episodes, from_ms=MARKET_FROM_MS, kinds=KINDS)
    return PlantedReport(kinds, round(time.monotonic() - began, 1), settled)


def _until(demo: Demo, to_ms: int, step: Step) -> None:
    """Return when all bars of the stretch are final."""
    through_ms, moved = 0, time.monotonic()
    while through_ms < to_ms:
        pause(LOOK_S)
        demo.fail_if_ended()
        final_ms = _final_through(demo)
        if final_ms > through_ms:
            through_ms, moved = final_ms, time.monotonic()
        step.tell(f"scenario {iso(demo.now_ms())}, bars final to {iso(through_ms)}")
        if time.monotonic() - moved > STUCK_AFTER_S:
            raise Failure(
                f"No bar became final for {STUCK_AFTER_S:.0f} s (at {iso(through_ms)}).",
                log=demo.log,
            )


def _final_through(demo: Demo) -> int:
    try:
        answer = demo.get("/coins/bitcoin/candles", symbol="BTCUSDT", interval="1m")
    except httpx.HTTPError:
        return 0
    through = answer["meta"]["final_through"]
    return 0 if through is None else _ms(through)


def _settled_episodes(demo: Demo, to_ms: int, step: Step) -> tuple[list[Episode], bool]:
    """The episodes that began before a moment, once they stand still; False where they never do."""
    found = _episodes(demo, to_ms)
    stood = began = time.monotonic()
    while time.monotonic() - stood < SETTLED_S:
        if time.monotonic() - began > SETTLES_WITHIN_S:
            return found, False
        pause(LOOK_S)
        demo.fail_if_ended()
        now = _episodes(demo, to_ms)
        if now != found:
            found, stood = now, time.monotonic()
        step.tell(f"{len(found)} episodes")
    return found, True


def _episodes(demo: Demo, to_ms: int) -> list[Episode]:
    """All pages of the API's list."""
    asked: dict[str, str] | None = {
        "from": iso(MARKET_FROM_MS), "to": iso(to_ms), "per_page": str(PAGE),
    }  # fmt: skip
    path, found = "/anomalies", []
    while asked is not None:
        answer = demo.get(path, **asked)
        found += [_episode(row) for row in answer["data"]]
        following = answer["meta"]["next"]
        asked = None if following is None else dict(httpx.URL(following).params)
    return found


def _episode(row: Mapping[str, Any]) -> Episode:
    return Episode(
        anomaly_id=row["anomaly_id"],
        kind=row["kind"],
        source=row["source"],
        coin_id=row["coin_id"],
        symbol=row["symbol"],
        other_source=row["other_source"],
        other_symbol=row["other_symbol"],
        other_coin_id=row["other_coin_id"],
        started_at_ms=_ms(row["started_at"]),
        detected_at_ms=_ms(row["detected_at"]),
        sentence=row["sentence"],
    )


def _truths(demo: Demo, to_ms: int) -> list[Truth]:
    """What the simulator says, a day at a time."""
    venue = Venue(demo.simulator)
    try:
        days = range(MARKET_FROM_MS, to_ms, 24 * HOUR_MS)
        told = (venue.planted(day_ms, min(day_ms + 24 * HOUR_MS, to_ms)) for day_ms in days)
        return [Truth.of(one) for of_day in told for one in of_day]
    finally:
        venue.close()


def _ms(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)
