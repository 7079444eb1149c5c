"""Long bars as the `bars` job stores them and as the reader composes them, on the real InfluxDB."""

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from market.intervals import INTERVAL_MS
from market.main_market import Market
from market.store import flux
from market.store.client import FluxClient
from market.store.compose import compose
from market.store.rows import Bar, Gap
from spark_jobs.transforms.bar_pieces import piece_of
from spark_jobs.transforms.market_bars import BAR_FIELDS, MarketBars
from tests.market_store.builders import DAY, DAY_START, HOUR, MINUTE, a_minute, an_external

pytestmark = pytest.mark.integration

LONG = ("5m", "15m", "1h", "4h", "1d")
EXACT = (
    *("open_time_ms", "close_time_ms", "open", "high", "low", "close", "trades", "layer"),
    *("first_trade_id", "last_trade_id", "held_ids", "is_partial"),
)
SUMS = ("volume", "quote_volume", "vwap", "buy_volume", "sell_volume")


def walk(first: int, last: int, *, silent: int = 0) -> list[Bar]:
    """Minutes [first, last) of a seeded walk with contiguous ids; one in `silent` is left out."""
    rng = random.Random(f"{first}-{last}")
    bars, next_id = [], 5
    for minute in range(first, last):
        if silent and rng.randrange(silent) == 0:
            continue
        ids, prices = rng.randrange(1, 9), [rng.uniform(90, 110) for _ in range(4)]
        volume, buys = rng.uniform(0.01, 9), rng.random()
        facts = {
            "open": prices[0],
            "close": prices[1],
            "high": max(prices),
            "low": min(prices),
            "volume": volume,
            "quote_volume": volume * prices[2],
            "vwap": prices[2],
            "trades": 2 * ids,
            "buy_volume": volume * buys,
            "sell_volume": volume * (1 - buys),
        }
        bars.append(a_minute(minute, first_id=next_id, ids=ids, **facts))
        next_id += ids
    return bars


def rolled_up(minutes: list[Bar], published: list[Bar], of: Market) -> dict[str, list[Bar]]:
    """The long bars that the speed layer's core makes of final minutes, by interval."""
    rows = [row_of(bar, of) for bar in (*published, *minutes)]
    made: dict[str, list[Bar]] = {interval: [] for interval in LONG}
    for row in MarketBars().step(rows):
        if row["kind"] == "candle" and row["interval"] in made:
            bar = replace(piece_of(row).bar, is_partial=row["is_partial"])
            made[row["interval"]].append(bar)
    return made


def row_of(bar: Bar, of: Market) -> dict[str, object]:
    lengths = {length_ms: name for name, length_ms in INTERVAL_MS.items()}
    return {
        **{name: getattr(bar, name) for name in BAR_FIELDS},
        "coin_id": of.coin_id,
        "quote": of.quote,
        "source": of.source,
        "symbol": of.symbol,
        "interval": lengths[bar.close_time_ms - bar.open_time_ms],
        "layer": bar.layer,
        "time_ms": bar.open_time_ms,
        "last_traded_at_ms": bar.close_time_ms - 1,
        "collected_at_ms": bar.close_time_ms,
    }


def assert_equal(found: list[Bar], wanted: list[Bar]) -> None:
    assert len(found) == len(wanted)
    for left, right in zip(found, wanted, strict=True):
        for name in EXACT:
            assert getattr(left, name) == getattr(right, name), (name, left, right)
        for name in SUMS:
            sums = getattr(left, name), getattr(right, name)
            assert sums[0] == sums[1] or math.isclose(*sums, rel_tol=1e-9), (name, *sums)


@pytest.mark.parametrize("history_minutes", [0, 180])
async def test_composed_and_stored_bars_are_equal_once_final(opened, market, history_minutes):
    began = 400
    minutes = walk(began, began + 3 * 1_440, silent=4)
    began = (minutes[0].open_time_ms - DAY_START) // MINUTE
    published = [an_external(n, quote_volume=7.0) for n in range(began - history_minutes, began)]
    if history_minutes:
        held = minutes[0].volume
        published.append(an_external(began, volume=held, quote_volume=7.0))
    through_ms = DAY_START + 3 * DAY
    asked = {"to_ms": through_ms + DAY, "now_ms": through_ms + DAY}
    async with opened() as store:
        store.write_bars(market, [*published, *minutes])
        store.final_through(through_ms)
        composed = {
            interval: await store.candles(market, INTERVAL_MS[interval], **asked)
            for interval in LONG
        }
        made = rolled_up(minutes, published, market)
        for interval, bars in made.items():
            store.write_bars(market, bars, interval)
        for interval, bars in made.items():
            stored = await store.candles(market, INTERVAL_MS[interval], **asked)
            assert_equal(stored.bars, composed[interval].bars)
            assert stored.gaps == composed[interval].gaps == ()
            final = [bar for bar in stored.bars if bar.layer == "speed" and stored.is_final(bar)]
            expected = [bar for bar in bars if bar.close_time_ms <= through_ms]
            assert_equal(final, expected)
            assert final[0].is_partial == (history_minutes == 0 or interval == "1d")
            assert not any(bar.is_partial for bar in final[1:])


class Watched(FluxClient):
    """Remembers what is asked."""

    def __init__(self, client: FluxClient) -> None:
        super().__init__(client._client)
        self.asked: list[tuple[str, dict]] = []

    async def tables(self, query, **parameters):
        self.asked.append((query, parameters))
        return await super().tables(query, **parameters)

    def minutes_of(self, query: str) -> Iterator[float]:
        for asked, parameters in self.asked:
            if asked == query and parameters["interval"] == "1m":
                length = parameters["stop"] - parameters["start"]
                yield length.total_seconds() / 60


async def test_a_year_of_days_is_read_without_its_minutes(opened, market):
    days = [
        replace(a_minute(1_440 * n), close_time_ms=DAY_START + (n + 1) * DAY, held_ids=10)
        for n in range(1, 365)
    ]
    ids = [(10 * n, 10 * n + 9) for n in range(1, 365)]
    days = [
        replace(day, first_trade_id=first, last_trade_id=last)
        for day, (first, last) in zip(days, ids, strict=True)
    ]
    today = [a_minute(1_440 * 365 + n, first_id=3_650 + 10 * n) for n in range(30)]
    now_ms = DAY_START + 365 * DAY + HOUR
    async with opened() as store:
        store.write_bars(market, [an_external(-1_440 * n, length=DAY) for n in range(1, 300)], "1d")
        store.write_bars(market, days, "1d")
        store.write_bars(market, [a_minute(700, first_id=0), *today])
        watched = Watched(store.reader._client)
        store.reader._bars._client = watched
        series = await store.candles(
            market, DAY, from_ms=DAY_START - 10 * DAY, to_ms=now_ms, now_ms=now_ms
        )
    assert len(series.bars) == 10 + 1 + 364 + 1
    assert series.bars[11:-1] == tuple(days)
    assert series.bars[-1].trades == 30 * 12
    assert sum(watched.minutes_of(flux.BARS)) <= 1
    assert sum(watched.minutes_of(flux.COMPOSED_BARS)) <= 2 * 1_440


async def test_bars_from_before_the_job_and_after_its_newest_are_composed(opened, market):
    minutes = [a_minute(n) for n in range(600)]
    hours = compose(minutes, HOUR)
    async with opened() as store:
        store.write_bars(market, minutes)
        store.write_bars(market, hours[3:6], "1h")
        assert_equal((await store.candles(market, HOUR)).bars, hours)


async def test_stored_bars_that_the_job_left_out_between_others_are_composed(opened, market):
    minutes = [a_minute(n) for n in range(600)]
    hours = compose(minutes, HOUR)
    async with opened() as store:
        store.write_bars(market, minutes)
        store.write_bars(market, [*hours[:3], *hours[5:]], "1h")
        series = await store.candles(market, HOUR)
        assert_equal(series.bars, hours)
        assert series.gaps == ()


@pytest.mark.parametrize("interval", ["5m", "1h"])
async def test_a_hole_in_stored_bars_is_found_to_the_minute(opened, market, interval):
    minutes = [a_minute(n, first_id=n * 10 + (7 if n >= 75 else 0)) for n in range(180)]
    minutes[130] = a_minute(130, first_id=1_307, held_ids=4)
    assert any(left.last_trade_id + 1 < right.first_trade_id for left, right in pairwise(minutes))
    async with opened() as store:
        store.write_bars(market, minutes)
        store.write_bars(market, compose(minutes, INTERVAL_MS[interval]), interval)
        store.final_through(DAY_START + DAY)
        series = await store.candles(market, INTERVAL_MS[interval])
        assert series.gaps == (
            Gap(DAY_START + 74 * MINUTE, DAY_START + 76 * MINUTE, 7),
            Gap(DAY_START + 130 * MINUTE, DAY_START + 131 * MINUTE, 6),
        )
        assert_equal(series.bars, compose(minutes, INTERVAL_MS[interval]))


async def test_a_stored_bar_that_lacks_trades_is_a_gap_where_its_minutes_are_gone(opened, market):
    async with opened() as store:
        hour = replace(a_minute(120, held_ids=6), close_time_ms=DAY_START + 3 * HOUR)
        store.write_bars(market, [a_minute(0)])
        store.write_bars(market, [hour], "1h")
        store.final_through(DAY_START + DAY)
        series = await store.candles(market, HOUR, from_ms=DAY_START + HOUR)
        assert series.bars == (hour,)
        assert series.gaps == (Gap(hour.open_time_ms, hour.close_time_ms, 4),)


async def test_a_stored_day_does_not_move_where_the_stream_began(opened, market):
    async with opened() as store:
        minutes = [a_minute(n) for n in range(600, 700)]
        store.write_bars(market, minutes)
        store.write_bars(market, compose(minutes, DAY), "1d")
        series = await store.candles(market, DAY)
        assert [bar.is_partial for bar in series.bars] == [True]
        beginnings = await store.reader._beginnings.of(market, DAY_START + DAY)
        assert beginnings.trades_ms == DAY_START + 600 * MINUTE
