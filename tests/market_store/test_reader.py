"""The reader against the real InfluxDB that `./cryptoviz up` starts."""

import asyncio
import socket
from dataclasses import replace

import pytest
from pydantic import SecretStr

from market.errors import StoreUnavailable
from market.main_market import Market
from market.store.compose import compose
from market.store.gaps import id_gaps
from market.store.measurements import INDICATOR_FIELDS
from market.store.reader import open_store
from market.store.rows import Bar, Gap
from tests.market_store.builders import DAY, DAY_START, HOUR, MINUTE, a_minute, an_external
from tests.market_store.store import settings

pytestmark = pytest.mark.integration


async def test_a_bar_comes_back_as_it_was_written(opened, market):
    async with opened() as store:
        minutes = [a_minute(n, open=0.1 + n / 3) for n in range(5)]
        store.write_bars(market, minutes)
        series = await store.candles(market, MINUTE)
        assert list(series.bars) == minutes
        assert series.gaps == ()


async def test_windows_of_the_database_equal_composing_its_minutes(opened, market):
    async with opened() as store:
        minutes = [
            a_minute(n, open=10 + n / 7, high=20 + n % 11, low=5 - n % 3, volume=1 / (n + 1))
            for n in range(200)
        ]
        store.write_bars(market, minutes)
        for interval_ms in (5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, DAY):
            series = await store.candles(market, interval_ms)
            expected = compose(minutes, interval_ms)
            assert len(series.bars) == len(expected)
            for bar, wanted in zip(series.bars, expected, strict=True):
                for name in ("open_time_ms", "open", "high", "low", "close", "trades", "coverage"):
                    assert getattr(bar, name) == getattr(wanted, name), name
                assert (bar.first_trade_id, bar.last_trade_id) == (
                    wanted.first_trade_id,
                    wanted.last_trade_id,
                )
                assert bar.volume == pytest.approx(wanted.volume, rel=1e-9)
                assert bar.vwap == pytest.approx(wanted.vwap, rel=1e-9)


async def test_holes_are_found_to_the_minute_in_every_interval(opened, market):
    async with opened() as store:
        minutes = [a_minute(n) for n in range(20)]
        minutes += [a_minute(n, first_id=n * 10 + 7) for n in range(30, 60)]
        minutes[40] = a_minute(50, first_id=507, held_ids=4)
        store.write_bars(market, minutes)
        store.final_through(DAY_START + HOUR)
        expected = (
            Gap(DAY_START + 20 * MINUTE, DAY_START + 30 * MINUTE, 107),
            Gap(DAY_START + 50 * MINUTE, DAY_START + 51 * MINUTE, 6),
        )
        assert tuple(id_gaps(minutes, DAY_START + HOUR)) == expected
        for interval_ms in (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR):
            series = await store.candles(market, interval_ms)
            assert series.gaps == expected, interval_ms
        (hour,) = series.bars
        assert hour.coverage == pytest.approx((50 * 10 - 6) / (50 * 10 + 107))


async def test_bars_are_final_up_to_the_ledgers_newest_point(opened, market):
    async with opened() as store:
        store.write_bars(market, [an_external(n) for n in range(10)])
        store.write_bars(market, [a_minute(n, volume=9.0) for n in range(10, 90)])
        store.final_through(DAY_START + 61 * MINUTE)
        store.final_through(DAY_START + 62 * MINUTE)
        series = await store.candles(market, MINUTE)
        final = [bar for bar in series.bars if series.is_final(bar)]
        assert len(final) == 62
        assert [bar.layer for bar in series.bars[:11]] == ["external"] * 10 + ["speed"]
        hours = await store.candles(market, HOUR)
        assert [hours.is_final(bar) for bar in hours.bars] == [True, False]


async def test_native_hours_and_days_stand_where_minutes_do_not_reach(opened, market):
    async with opened() as store:
        days = [an_external(-1_440 * n, length=DAY, volume=500.0) for n in (2, 1)]
        hours = [an_external(60 * n, length=HOUR, volume=50.0) for n in range(-30, 3)]
        store.write_bars(market, days, "1d")
        store.write_bars(market, hours, "1h")
        store.write_bars(market, [a_minute(n) for n in range(180, 200)])
        from_ms = DAY_START - 2 * DAY
        answered = await store.candles(market, DAY, from_ms=from_ms)
        assert [bar.volume for bar in answered.bars] == [500.0, 500.0, 3 * 50.0 + 20 * 2.0]
        answered = await store.candles(market, HOUR, from_ms=DAY_START - 2 * HOUR)
        assert [bar.layer for bar in answered.bars] == ["external"] * 5 + ["speed"]


async def test_the_hole_between_history_and_stream_is_a_gap_in_every_range(opened, market):
    async with opened() as store:
        store.write_bars(market, [an_external(n) for n in range(-120, -60)])
        store.write_bars(market, [a_minute(0)])
        for first, last in ((-120, 1), (-90, -30), (-40, -20), (-30, 0)):
            series = await store.candles(
                market,
                MINUTE,
                from_ms=DAY_START + first * MINUTE,
                to_ms=DAY_START + last * MINUTE,
            )
            hole = (max(first, -60), min(last, 0))
            expected = Gap(*(DAY_START + minute * MINUTE for minute in hole), None)
            assert series.gaps == (expected,), (first, last)


async def test_an_hour_that_the_exchange_left_out_is_a_gap_in_hours_but_not_in_days(opened, market):
    async with opened() as store:
        store.write_bars(market, [an_external(-1_440, length=DAY)], "1d")
        hours = [an_external(60 * n, length=HOUR) for n in range(-20, 0) if n != -5]
        store.write_bars(market, hours, "1h")
        store.write_bars(market, [a_minute(0)])
        from_ms = DAY_START - DAY
        answered = await store.candles(market, HOUR, from_ms=from_ms)
        assert answered.gaps == (Gap(DAY_START - 5 * HOUR, DAY_START - 4 * HOUR, None),)
        assert (await store.candles(market, DAY, from_ms=from_ms)).gaps == ()


async def test_an_exchanges_bar_that_has_not_closed_is_left_out(opened, market):
    async with opened() as store:
        store.write_bars(market, [an_external(0), an_external(1)])
        series = await store.candles(market, MINUTE, now_ms=DAY_START + 90_000)
        assert len(series.bars) == 1


async def test_a_snapshot_is_one_point_and_not_a_mix_of_several(opened, market):
    async with opened() as store:
        tags = f"crypto_market,coin_id={market.coin_id},source=coingecko"
        store.write(
            store.access.bucket,
            [
                f"{tags} price_usd=1.5,max_supply=21.0,collected_at_ms=1i {DAY_START}",
                f"{tags} price_usd=2.5,collected_at_ms=2i {DAY_START + MINUTE}",
            ],
        )
        latest = await store.reader.latest(now_ms=DAY_START + HOUR)
        (snapshot,) = [one for one in latest.snapshots if one.coin_id == market.coin_id]
        assert (snapshot.price_usd, snapshot.max_supply) == (2.5, None)
        assert snapshot.observed_at_ms == DAY_START + MINUTE

        store.write(
            store.access.bucket,
            [f"{tags} price_usd=3.5,collected_at_ms=3i {DAY_START + 2 * MINUTE}"],
        )
        latest = await store.reader.latest(now_ms=DAY_START + HOUR)
        (snapshot,) = [one for one in latest.snapshots if one.coin_id == market.coin_id]
        assert snapshot.price_usd == 3.5


async def test_the_last_trade_of_a_market_wins_over_the_exchanges_bars(opened, market):
    async with opened() as store:
        store.write_bars(market, [an_external(0), a_minute(1, close=42.0)])
        latest = await store.reader.latest(now_ms=DAY_START + HOUR)
        (last,) = [one for one in latest.candles if one.symbol == market.symbol]
        assert (last.price, last.layer) == (42.0, "speed")
        assert last.last_traded_at_ms == DAY_START + 2 * MINUTE - 1


def a_second(second: int, first_id: int) -> Bar:
    open_time_ms = DAY_START + second * 1_000
    bar = a_minute(0, first_id=first_id)
    return replace(bar, open_time_ms=open_time_ms, close_time_ms=open_time_ms + 1_000)


async def test_seconds_come_from_a_bucket_and_a_watermark_of_their_own(opened, market):
    async with opened() as store:
        begun = a_second(7, first_id=2)
        seconds = [a_second(8, 12), a_second(9, 22), a_second(12, 52), a_second(67, 62)]
        store.write_bars(market, [begun, *seconds], "1s")
        store.write_bars(market, [a_minute(0, volume=99.0, first_id=2, ids=58), a_minute(1)])
        store.final_through(DAY_START + HOUR)
        store.final_through(DAY_START + 13_000, "1s")
        series = await store.candles(market, 1_000)
        assert series.bars == (replace(begun, is_partial=True), *seconds)
        assert [series.is_final(bar) for bar in series.bars] == [True] * 4 + [False]
        assert series.final_through_ms == DAY_START + 13_000
        assert series.gaps == (Gap(DAY_START + 10_000, DAY_START + 12_000, 20),)
        later = await store.candles(market, 1_000, from_ms=DAY_START + 8_000)
        assert later.bars == tuple(seconds)


async def test_the_first_minute_of_trades_is_partial_even_when_it_is_final(opened, market):
    async with opened() as store:
        store.write_bars(market, [a_minute(n) for n in range(7, 20)])
        store.final_through(DAY_START + HOUR)
        series = await store.candles(market, MINUTE)
        assert [bar.is_partial for bar in series.bars] == [True] + [False] * 12
        assert all(series.is_final(bar) for bar in series.bars)
        (hour,) = (await store.candles(market, HOUR)).bars
        assert hour.is_partial
        later = await store.candles(market, 5 * MINUTE, from_ms=DAY_START + 10 * MINUTE)
        assert not any(bar.is_partial for bar in later.bars)


def analytics_line(market: Market, layer: str, at_ms: int, written: str, interval="1h") -> str:
    return (
        f"crypto_analytics,coin_id={market.coin_id},interval={interval},kind=market,"
        f"layer={layer},quote={market.quote},source={market.source},symbol={market.symbol} "
        f"{written} {at_ms}"
    )


async def test_indicators_of_both_layers_are_one_series_and_speed_wins(opened, market):
    async with opened() as store:
        external = [
            analytics_line(market, "external", DAY_START + n * HOUR, f"close={n}.5,bars={n}i")
            for n in range(3)
        ]
        speed = [
            analytics_line(
                market, "speed", DAY_START + n * HOUR, f"close={n}.0,bars={n}i,sma_5=1.5"
            )
            for n in (2, 3)
        ]
        other = analytics_line(market, "speed", DAY_START, "close=9.0", interval="1d")
        store.write(store.access.bucket, external)
        store.write(store.access.speed_bucket, [*speed, other])
        store.final_through(DAY_START + 4 * HOUR)
        series = await store.reader.analytics(
            market,
            interval="1h",
            from_ms=DAY_START + HOUR,
            to_ms=DAY_START + DAY,
            now_ms=DAY_START + DAY,
        )
    told = [(row.open_time_ms, row.layer, row.close, row.bars) for row in series.rows]
    assert told == [
        (DAY_START + HOUR, "external", 1.5, 1),
        (DAY_START + 2 * HOUR, "speed", 2.0, 2),
        (DAY_START + 3 * HOUR, "speed", 3.0, 3),
    ]
    assert [row.indicators["sma_5"] for row in series.rows] == [None, 1.5, 1.5]
    assert set(series.rows[0].indicators) == set(INDICATOR_FIELDS)
    assert series.rows[0].close_time_ms == DAY_START + 2 * HOUR
    assert series.final_through_ms == DAY_START + 4 * HOUR


def section_line(interval: str, at_ms: int, written: str) -> str:
    return f"crypto_analytics,interval={interval},kind=cross_section,layer=speed {written} {at_ms}"


async def test_the_index_chains_weighted_returns_from_the_start_of_the_range(opened):
    async with opened() as store:
        store.write(
            store.access.speed_bucket,
            [
                section_line("4h", DAY_START, "weighted_return_pct=50.0,coins=3i"),
                section_line("4h", DAY_START + 4 * HOUR, "weighted_return_pct=10.0,coins=3i"),
                section_line("4h", DAY_START + 8 * HOUR, "coins=0i"),
                section_line("4h", DAY_START + 12 * HOUR, "weighted_return_pct=-50.0"),
                section_line("1d", DAY_START + 4 * HOUR, "weighted_return_pct=99.0"),
            ],
        )
        rows = await store.reader.cross_sections(
            interval="4h", from_ms=DAY_START + 4 * HOUR, to_ms=DAY_START + DAY
        )
    assert [row.index for row in rows] == pytest.approx([110.0, 110.0, 55.0])
    assert [row.coins for row in rows] == [3, 0, None]
    assert rows[0].close_time_ms == DAY_START + 8 * HOUR


async def test_the_whole_market_is_the_newest_of_each_source_and_interval(opened):
    async with opened() as store:
        store.write(
            store.access.bucket,
            [
                f"crypto_global,source=coingecko market_cap_usd=1.0,markets=5i {DAY_START}",
                f"crypto_global,source=coingecko market_cap_usd=2.0 {DAY_START + MINUTE}",
                f"crypto_global,source=another market_cap_usd=3.0 {DAY_START}",
            ],
        )
        store.write(
            store.access.speed_bucket,
            [
                section_line(interval, DAY_START + n * MINUTE, f"breadth_pct={n}.0")
                for interval in ("1m", "1h", "15m")
                for n in range(3)
            ],
        )
        market = await store.reader.global_market(now_ms=DAY_START + HOUR)
    by_source = {one.source: one for one in market.totals}
    assert by_source["coingecko"].market_cap_usd == 2.0
    assert by_source["coingecko"].markets is None
    assert by_source["coingecko"].observed_at_ms == DAY_START + MINUTE
    assert by_source["another"].market_cap_usd == 3.0
    told = [(row.interval, row.breadth_pct, row.index) for row in market.cross_sections]
    assert told == [("1m", 2.0, None), ("1h", 2.0, None)]


async def test_history_is_the_last_of_each_window(opened, market):
    async with opened() as store:
        tags = f"crypto_market,coin_id={market.coin_id},source=coingecko"
        store.write(
            store.access.bucket,
            [f"{tags} price_usd={n}.0 {DAY_START + n * MINUTE}" for n in range(12)],
        )
        history = await store.reader.history(
            market.coin_id,
            "coingecko",
            from_ms=DAY_START,
            to_ms=DAY_START + HOUR,
            every_ms=5 * MINUTE,
        )
        assert [(row.time_ms, row.price_usd) for row in history.rows] == [
            (DAY_START, 4.0),
            (DAY_START + 5 * MINUTE, 9.0),
            (DAY_START + 10 * MINUTE, 11.0),
        ]
        assert history.rows[0].market_cap_usd is None
        assert history.observed_at_ms == DAY_START + 11 * MINUTE


async def test_what_a_caller_says_is_never_flux(opened):
    async with opened() as store:
        hostile = Market("binance", '" or r.symbol != "', "bitcoin", "USDT")
        series = await store.candles(hostile, MINUTE)
        assert series.bars == ()


async def test_the_database_answers_with_its_version(opened):
    async with opened() as store:
        status = await store.reader.status()
        assert status.version == "2.9.1"
        assert status.latency_ms > 0


async def test_a_wrong_token_or_bucket_is_unavailable_and_no_bug(influx_server):
    wrong = settings(influx_server, influx_read_token=SecretStr("wrong"))
    async with open_store(wrong, 10.0) as reader:
        with pytest.raises(StoreUnavailable):
            await reader.latest(now_ms=DAY_START)
    unmade = settings(influx_server, influx_speed_bucket="not made yet")
    async with open_store(unmade, 10.0) as reader:
        with pytest.raises(StoreUnavailable):
            await reader.latest(now_ms=DAY_START)


async def test_a_refused_connection_is_unavailable(influx_server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refused
        nobody = settings(influx_server, influx_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        async with open_store(nobody, 10.0) as reader:
            with pytest.raises(StoreUnavailable):
                await reader.latest(now_ms=DAY_START)
            with pytest.raises(StoreUnavailable):
                await reader.status()


async def test_a_silent_database_is_given_up_after_the_timeout(influx_server):
    async def say_nothing(reader, _writer) -> None:
        await reader.read()
        _writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    silent = settings(influx_server, influx_url=f"http://127.0.0.1:{port}")
    async with open_store(silent, 0.2) as reader:
        with pytest.raises(StoreUnavailable, match="too long"):
            await reader.latest(now_ms=DAY_START)
    server.close()
    await server.wait_closed()
