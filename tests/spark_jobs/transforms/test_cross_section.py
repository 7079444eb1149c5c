"""All markets of a bar at once: one market a coin, shares, and the same however it is cut."""

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import Fatal
from market.store.measurements import CROSS_SECTION
from spark_jobs.transforms.cross_section import CrossSection
from tests.spark_jobs.builders import START_MS, a_bar_row

Row = dict[str, Any]


def traded(minute: int, symbol: str = "BTCUSDT", **facts: Any) -> Row:
    """A bar of a market whose coin is bitcoin unless said; from 100 to 101."""
    quote = symbol[-4:] if symbol[-4:] in ("USDT", "USDC") else symbol[-3:]
    defaults = {"open": 100.0, "close": 101.0, "quote_volume": 10.0, "quote": quote}
    moment_ms = START_MS + minute * 60_000
    return a_bar_row(symbol=symbol, time_ms=moment_ms, **defaults | facts)


def sections(*steps: list[Row], interval: str = "1m") -> dict[int, Row]:
    """The last row of each point, by its minute; the core is saved and restored before a step."""
    core, last = CrossSection(), {}
    for rows in steps:
        core = CrossSection.restored(core.save())
        for row in core.step(rows):
            if row["interval"] == interval:
                last[(row["time_ms"] - START_MS) // 60_000] = row
    return last


FIRST = [traded(-1)]


def test_a_section_counts_breadth_shares_and_the_weighted_return():
    rows = [
        traded(0, "BTCUSDT", close=110.0, quote_volume=60.0),
        traded(0, "ETHUSDT", coin_id="ethereum", close=90.0, quote_volume=30.0),
        traded(0, "SOLUSDT", coin_id="solana", close=100.0, quote_volume=10.0),
        traded(0, "XRPUSDT", coin_id="ripple", close=101.0, quote_volume=0.0),
    ]
    row = sections([*FIRST, *rows])[0]
    assert (row["coins"], row["advancing"], row["declining"]) == (4, 2, 1)
    assert row["breadth_pct"] == 50.0
    assert row["quote_volume_usd"] == 100.0
    assert (row["btc_volume_share_pct"], row["eth_volume_share_pct"]) == (60.0, 30.0)
    assert row["weighted_return_pct"] == pytest.approx(6.0 - 3.0)
    assert {*CROSS_SECTION.tags, *CROSS_SECTION.fields, "time_ms"} <= row.keys()


def test_a_coin_counts_once_by_the_dollar_before_usdt_before_usdc():
    rows = [
        traded(0, "BTCUSDC", quote_volume=1.0),
        traded(0, "BTCUSDT", quote_volume=2.0),
        traded(0, "ETHUSDC", coin_id="ethereum", quote_volume=4.0),
        traded(0, "ETHBTC", coin_id="ethereum", quote_volume=8.0),
        traded(1, "BTCUSD", quote_volume=16.0),
        traded(1, "BTCUSDT", quote_volume=32.0),
    ]
    got = sections([*FIRST, *rows])
    assert (got[0]["coins"], got[0]["quote_volume_usd"]) == (2, 6.0)
    assert (got[1]["coins"], got[1]["quote_volume_usd"]) == (1, 16.0)


def test_the_bar_in_which_the_stream_began_is_not_given():
    rows = [traded(minute) for minute in range(3, 11)]
    assert sections(rows).keys() == set(range(4, 11))
    assert sections(rows, interval="5m").keys() == {5}


def test_a_coin_that_did_not_trade_has_no_share_and_a_bar_without_volume_no_return():
    row = sections([*FIRST, traded(0, "SOLUSDT", coin_id="solana", quote_volume=0.0)])[0]
    assert row["btc_volume_share_pct"] is None
    assert row["weighted_return_pct"] is None


def test_a_long_section_opens_with_its_first_minute_and_closes_with_its_last():
    rows = [traded(m, open=100.0 + m, close=101.0 + m, quote_volume=m) for m in (0, 2, 4)]
    row = sections([*FIRST, *rows], interval="5m")[0]
    assert row["weighted_return_pct"] == pytest.approx(5.0)
    assert row["quote_volume_usd"] == 6.0


def test_a_minute_that_comes_in_two_steps_is_given_again_whole():
    first, second = traded(0), traded(0, "SOLUSDT", coin_id="solana")
    assert sections([*FIRST, first], [second])[0]["coins"] == 2


@settings(deadline=None)
@given(
    held=st.sets(st.tuples(st.integers(0, 200), st.integers(0, 4)), max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
def test_the_last_row_of_each_point_does_not_depend_on_how_the_rows_are_cut(held, cuts):
    rows = [
        traded(m, f"{b}USDT", coin_id=f"coin-{b}", close=101.0 - b, quote_volume=m / 7)
        for m, b in sorted(held)
    ]
    borders = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    pieces = [rows[a:b] for a, b in pairwise(borders)]
    for interval in ("1m", "5m", "1h"):
        assert sections(*pieces, interval=interval) == sections(rows, interval=interval)


def test_the_state_is_bounded_by_the_markets_of_the_open_bars():
    core = CrossSection()
    core.step([traded(minute) for minute in range(10)])
    small = len(core.save())
    core.step([traded(minute) for minute in range(10, 3_000)])
    assert len(core.save()) < small * 1.2


def test_state_of_an_unknown_version_is_refused_with_the_way_out():
    with pytest.raises(Fatal, match="version 9, this code reads 1: raise the `version`"):
        CrossSection.restored(orjson.dumps({"version": 9}))
