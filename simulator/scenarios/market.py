"""The default scenario: a seeded market of about fifty coins, open all hours, without an end.

Correlated prices with calm and stormy days and hours, heavy-tailed sizes, activity by a coin's
rank and the time of day, about 20 trades a scenario second in all. Every hour has planted
anomalies, whose truth can be asked for. The same seed and start give the same bytes. How it is
drawn: `simulator.seeded_market`.
"""

from collections.abc import Sequence

import numpy as np

from simulator.decimals import padded
from simulator.planted import PlantedAnomaly
from simulator.scenario import (
    CHANGE_SPANS_MS,
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Article,
    Kline,
    Mood,
    Scenario,
    Snapshot,
    Trade,
    WrongScenario,
    change_pct,
    first_fill_id,
)
from simulator.scenarios.offer import ScenarioOffer, ScenarioRequest
from simulator.seeded_market.coin_facts import FACTS, SMALL_COIN
from simulator.seeded_market.history import FINE_DAYS, History
from simulator.seeded_market.listing import Floats, Ints, default_listing
from simulator.seeded_market.minutes import DAY_MINUTES
from simulator.seeded_market.newsroom import Newsroom
from simulator.seeded_market.rows import klines_of
from simulator.seeded_market.truths import Truths
from simulator.seeded_market.world import World

# A Monday: 2026-01-05T00:00:00Z. Any other moment does as well.
DEFAULT_START_MS = 1_767_571_200_000
# The seeded draw of far future days would still work; a start beyond these is a mistake of units.
EARLIEST_MS, LATEST_MS = 946_684_800_000, 4_102_444_800_000
# Snapshots look back a year for changes and extremes, by midnights.
YEAR_DAYS = 365


class MarketScenario(Scenario):
    """The seeded market from `start_ms` (cut to its minute) on."""

    name = "market"

    def __init__(self, *, seed: int, start_ms: int) -> None:
        self.start_ms = start_ms - start_ms % MINUTE_MS
        self.end_ms = None
        self.world = World(default_listing(), seed=seed, start_ms=self.start_ms)
        self.instruments = {one.symbol: one for one in self.world.listing.instruments}
        self._columns = {symbol: column for column, symbol in enumerate(self.instruments)}
        self._history = History(self.world)
        self._newsroom = Newsroom(self.world)
        self._truths = Truths(self.world)

    def minute_trades(self, symbol: str, minute: int) -> Sequence[Trade]:
        """See Scenario."""
        if minute * MINUTE_MS < self.start_ms:
            return []
        column, one = self._columns[symbol], self.instruments[symbol]
        hour, row = divmod(minute, 60)
        tape = self.world.tape(column, hour)
        first, end = tape.starts[row : row + 2].tolist()
        first_id = self.world.first_id(column, minute)
        price_pad, quantity_pad = "0" * (8 - one.price_decimals), "0" * (8 - one.quantity_decimals)
        rows = zip(
            range(first_id, first_id + end - first),
            tape.prices[first:end].tolist(),
            tape.quantities[first:end].tolist(),
            (tape.times_ms[first:end] + hour * HOUR_MS).tolist(),
            tape.buyer_is_maker[first:end].tolist(),
            strict=True,
        )
        return [
            Trade(
                symbol, number, first_fill_id(number), first_fill_id(number + 1) - 1,
                padded(price, one.price_decimals, price_pad),
                padded(quantity, one.quantity_decimals, quantity_pad), at_ms, sold,
            )
            for number, price, quantity, at_ms, sold in rows
        ]  # fmt: skip

    def minute_of_trade(self, symbol: str, trade_id: int, through_ms: int) -> int | None:
        """See Scenario."""
        last_day = through_ms // DAY_MS
        return self.world.minute_of(self._columns[symbol], trade_id, last_day=last_day)

    def klines(
        self, symbol: str, interval_ms: int, first_open_ms: int, limit: int, now_ms: int
    ) -> Sequence[Kline]:
        """See Scenario."""
        one = self.instruments[symbol]
        end_ms = min(now_ms + 1, first_open_ms + limit * interval_ms)
        rows = self._history.candles(self._columns[symbol], interval_ms, first_open_ms, end_ms)
        return klines_of(rows, one.price_decimals, one.quantity_decimals)

    def _prices(self, at_ms: int) -> Floats:
        """Price of each market at the end of the minute before `at_ms`, by midnights long ago."""
        listing = self.world.listing
        day, row = divmod(at_ms // MINUTE_MS - 1, DAY_MINUTES)
        if day < self.start_ms // DAY_MS - FINE_DAYS:
            prices: Floats = np.exp(self.world.days.log_prices(day))[listing.asset_of]
            return prices
        steps: Ints = self.world.bars(day).close[row]
        return steps / listing.price_scales

    def _last_day(self, at_ms: int) -> tuple[Floats, Floats, Floats]:
        """High, low and volume in dollars of each market in the 24 hours before `at_ms`."""
        day, row = divmod(at_ms // MINUTE_MS, DAY_MINUTES)
        listing = self.world.listing
        parts = [(self.world.bars(day - 1), slice(row, None)), (self.world.bars(day), slice(row))]
        high = np.concatenate([bars.high[inside] for bars, inside in parts]).max(axis=0)
        low = np.concatenate([bars.low[inside] for bars, inside in parts]).min(axis=0)
        money = sum(
            (bars.volume[inside] * bars.close[inside]).sum(axis=0) for bars, inside in parts
        )
        scales = listing.price_scales
        return high / scales, low / scales, money / scales * listing.quantity_steps

    def snapshots(self, at_ms: int) -> Sequence[Snapshot]:
        """See Scenario. A dollar is a USDC, so USDT is worth what one USDC is not."""
        at_ms -= at_ms % MINUTE_MS
        prices = self._prices(at_ms)
        high, low, volume = self._last_day(at_ms)
        ago = {span: self._prices(at_ms - ms) for span, ms in CHANGE_SPANS_MS.items()}
        usdc = self._columns["USDCUSDT"]
        made = []
        for coin_id in self.world.listing.coin_ids:
            circulating, total, maximum = FACTS.get(coin_id, SMALL_COIN).supply
            column = self._main_column(coin_id)
            is_tether = column is None
            column = usdc if column is None else column

            def price_of(row: Floats, column: int = column, is_tether: bool = is_tether) -> float:
                price = float(row[column])
                return round(1 / price, 6) if is_tether else price

            made.append(
                Snapshot(
                    coin_id=coin_id,
                    observed_at_ms=at_ms,
                    price_usd=price_of(prices),
                    high_24h_usd=price_of(low if is_tether else high),
                    low_24h_usd=price_of(high if is_tether else low),
                    volume_24h_usd=float(volume.sum() if is_tether else volume[column]),
                    price_24h_ago_usd=price_of(ago["24h"]),
                    changes_pct={
                        span: change_pct(price_of(prices), price_of(row))
                        for span, row in ago.items()
                    },
                    circulating_supply=circulating,
                    total_supply=total,
                    max_supply=maximum,
                )
            )
        return made

    def articles(self, feed: str, at_ms: int, limit: int) -> Sequence[Article]:
        """See Scenario. Headlines tell moves, records, volume, storms and calm of the hours."""
        return self._newsroom.articles(feed, at_ms, limit)

    def moods(self, at_ms: int, limit: int | None) -> Sequence[Mood]:
        """See Scenario. Bitcoin's week and month, and how wild the last day was."""
        return self._newsroom.moods(at_ms, limit)

    def planted(self, from_ms: int, to_ms: int) -> Sequence[PlantedAnomaly]:
        """See Scenario. Each hour has some, see `simulator.seeded_market.plants`."""
        return self._truths.between(from_ms, to_ms)

    def _main_column(self, coin_id: str) -> int | None:
        for column, market in enumerate(self.world.listing.markets):
            if market.coin_id == coin_id and market.quote == "USDT":
                return column
        return None


def open_market(request: ScenarioRequest) -> MarketScenario:
    """The seeded market. Raises WrongScenario where the request names files or an absurd start."""
    start_ms = DEFAULT_START_MS if request.start_ms is None else request.start_ms
    if request.bars:
        raise WrongScenario("bars: only the scenario bars plays files")
    if request.folder:
        raise WrongScenario("folder: only the scenario recording plays a folder")
    if not EARLIEST_MS <= start_ms <= LATEST_MS:
        raise WrongScenario(f"from: {start_ms} is not milliseconds between the years 2000 and 2100")
    return MarketScenario(seed=request.seed, start_ms=start_ms)


MARKET = ScenarioOffer(
    name="market", summary="a seeded market of about fifty coins", open=open_market
)
