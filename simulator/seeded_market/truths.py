"""What is true of a world's anomalies: its plants in words, what they bring with them, and every
crossing of two market caps, planted or not.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from math import expm1, log

import numpy as np

from market.anomaly import AnomalyKind
from simulator.planted import PlantedAnomaly, Unit
from simulator.scenario import DAY_MS, HOUR_MS, MINUTE_MS
from simulator.seeded_market.coin_facts import FACTS
from simulator.seeded_market.listing import Floats
from simulator.seeded_market.minutes import DAY_MINUTES, DayBars
from simulator.seeded_market.plants import Plant, log_supplies
from simulator.seeded_market.world import World

VENUE, RANKING = "binance", "coingecko"
# From this on two quotes of a coin diverge.
DIVERGENT = 0.01
# What a plant brings with it on the same market: found it is right, not found no miss.
BRINGS: dict[AnomalyKind, tuple[AnomalyKind, ...]] = {
    "price_move": ("volume",),
    "whale": ("volume",),
    "pump": ("price_move", "volume"),
}


class Truths:
    """The list of one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def between(self, from_ms: int, to_ms: int) -> list[PlantedAnomaly]:
        """All that begins in [from_ms, to_ms), by time."""
        from_ms = max(from_ms, self._world.start_ms)
        found: list[PlantedAnomaly] = []
        for day in range(from_ms // DAY_MS, (to_ms - 1) // DAY_MS + 1):
            bars = self._world.bars(day)
            planted = [one for plant in bars.plants for one in self._of_plant(bars, plant)]
            meant = {(one.coin_id, one.other_coin_id, one.started_at_ms) for one in planted}
            found += planted
            found += (
                one
                for one in self._crossings(bars)
                if (one.coin_id, one.other_coin_id, one.started_at_ms) not in meant
            )
        inside = [one for one in found if from_ms <= one.started_at_ms < to_ms]
        return sorted(inside, key=lambda one: (one.started_at_ms, one.kind, one.coin_id))

    def _of_plant(self, bars: DayBars, plant: Plant) -> Iterator[PlantedAnomaly]:
        begin_ms = bars.day * DAY_MS + plant.minute * MINUTE_MS
        end_ms = bars.day * DAY_MS + plant.end_minute * MINUTE_MS
        if plant.kind == "overtake":
            yield from self._overtake(bars, plant)
            return
        listing = self._world.listing
        market = listing.markets[plant.column]
        peak, unit = self._peak(bars, plant)
        started_ms, ended_ms = begin_ms, end_ms
        if plant.kind == "divergence":
            # The rise and the fall cross the threshold on their way.
            share = DIVERGENT / abs(expm1(plant.log_shift))
            started_ms += round(share * plant.shape.rise * MINUTE_MS)
            ended_ms -= round(share * plant.shape.fall * MINUTE_MS)
        elif plant.kind == "price_move":
            ended_ms = begin_ms + plant.shape.rise * MINUTE_MS
        elif plant.kind == "whale":
            started_ms = self._traded_ms(plant, begin_ms)
            ended_ms = started_ms + 1
        told = PlantedAnomaly(
            plant.kind, VENUE, market.coin_id, market.symbol, started_ms, ended_ms, peak, unit,
            other_symbol="BTCUSDT" if plant.kind == "divergence" else None,
        )  # fmt: skip
        yield told
        for kind in BRINGS.get(plant.kind, ()):
            yield PlantedAnomaly(
                kind, VENUE, market.coin_id, market.symbol, begin_ms, end_ms, peak, unit,
                is_planted=False,
            )  # fmt: skip

    def _traded_ms(self, plant: Plant, begin_ms: int) -> int:
        """When the whale's trade is made: it is the largest of its minute."""
        hour, minute = divmod(begin_ms // MINUTE_MS, 60)
        tape = self._world.tape(plant.column, hour)
        first, end = tape.starts[minute : minute + 2].tolist()
        place = first + int(np.argmax(tape.quantities[first:end]))
        return hour * HOUR_MS + int(tape.times_ms[place])

    def _peak(self, bars: DayBars, plant: Plant) -> tuple[float, Unit]:
        listing, column = self._world.listing, plant.column
        if plant.kind == "silence":
            return float(plant.shape.minutes * 60), "s"
        if plant.kind == "volume":
            return plant.shape.trades[1] * plant.shape.size, "times"
        if plant.kind == "whale":
            price = bars.close[plant.minute, column] / listing.price_scales[column]
            return float(plant.units * listing.quantity_steps[column] * price), "usd"
        return 100 * expm1(plant.log_shift), "pct"

    def _overtake(self, bars: DayBars, plant: Plant) -> Iterator[PlantedAnomaly]:
        """From the first snapshot with the other order to the last one; on the way down the other
        coin overtakes in its turn, which is among the crossings."""
        assert plant.other_column is not None  # noqa: S101 -- of this kind
        markets, caps = self._world.listing.markets, self._caps(bars)
        pair = markets[plant.column].coin_id, markets[plant.other_column].coin_id
        ahead = caps[:, plant.column] - caps[:, plant.other_column]
        rows = plant.minute + np.flatnonzero(ahead[plant.minute : plant.end_minute] > 0)
        minutes = range(int(rows[0]), int(rows[-1]) + 1)
        told = _overtaking(bars.day, pair, minutes, float(ahead[rows].max()))
        yield replace(told, is_planted=True)

    def _crossings(self, bars: DayBars) -> Iterator[PlantedAnomaly]:
        """Each stretch of a day in which a coin is above one that it was below before."""
        caps = self._caps(bars)
        names = [one.coin_id for one in self._world.listing.markets] + ["tether"]
        ranked = [one for one in range(len(names)) if np.isfinite(caps[0, one])]
        for place, one in enumerate(ranked):
            for other in ranked[place + 1 :]:
                ahead = caps[:, one] - caps[:, other]
                is_ahead = ahead > 0
                turns = np.flatnonzero(is_ahead[1:] != is_ahead[:-1]) + 1
                for begin, end in pairwise([*turns.tolist(), DAY_MINUTES]):
                    pair = (names[one], names[other])
                    pair = pair if is_ahead[begin] else pair[::-1]
                    lead = float(np.abs(ahead[begin:end]).max())
                    yield _overtaking(bars.day, pair, range(begin, end), lead)

    def _caps(self, bars: DayBars) -> Floats:
        """(1440, markets + 1) logarithms of market caps at the end of each minute, as snapshots
        tell them; minus infinity where another market of the coin tells it. The last is tether's,
        which has no market: USDC, a dollar to us, has one in it."""
        listing = self._world.listing
        logs: Floats = np.log(bars.close / listing.price_scales)
        in_tether = [one.symbol for one in listing.markets].index("USDCUSDT")
        tether = log(FACTS["tether"].supply[0] or 0) - logs[:, [in_tether]]
        return np.hstack([logs + log_supplies(listing), tether])


def _overtaking(day: int, pair: tuple[str, str], minutes: range, log_lead: float) -> PlantedAnomaly:
    """(winner, loser) over minutes of a day: a moment's snapshot tells the minute before it."""
    return PlantedAnomaly(
        kind="overtake",
        source=RANKING,
        coin_id=pair[0],
        symbol=None,
        started_at_ms=day * DAY_MS + (minutes.start + 1) * MINUTE_MS,
        ended_at_ms=day * DAY_MS + (minutes.stop + 1) * MINUTE_MS,
        peak=100 * expm1(log_lead),
        unit="pct",
        is_planted=False,
        other_coin_id=pair[1],
    )
