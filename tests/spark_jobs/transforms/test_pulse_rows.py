"""The core of job pulse: what comes at once, and what goes to quality."""

from typing import Any

import orjson

from market.store.measurements import GAPS, SOURCES
from schemas.record_types import CANDLE, GAP, PRICE, SOURCE_HEALTH, TRADE
from spark_jobs.transforms.pulse_rows import ASKED, GIVEN, open_core
from tests.spark_jobs.builders import START_MS

Row = dict[str, Any]
MINUTE = 60_000
GAP_TOLD = {
    "coin_id": "bitcoin",
    "source": "binance",
    "symbol": "BTCUSDT",
    "from_id": 5,
    "to_id": 9,
    "from_ms": START_MS,
    "to_ms": START_MS + 9_000,
    "repaired_trades": 2,
    "cause": "restart",
    "state": "open",
    "observed_at_ms": START_MS + 10_000,
}
BAR_TOLD = {
    "source": "binance",
    "symbol": "BTCUSDT",
    "coin_id": "bitcoin",
    "quote": "USDT",
    "open_time_ms": START_MS,
    "observed_at_ms": START_MS + 50_000,
    **dict.fromkeys(("close", "low", "high"), 100.0),
    "first_trade_id": 1,
    "last_trade_id": 10,
    "coverage": 1.0,
}
PRICE_TOLD = {
    "source": "coingecko",
    "coin_id": "bitcoin",
    "observed_at_ms": START_MS,
    "collected_at_ms": START_MS + 40_000,
    "price_usd": 100.0,
}


def row(kind: str, told: Row, n: int = 0) -> Row:
    place = {"topic": f"crypto-{kind}", "partition": 0, "offset": n, "logged_ms": START_MS + n}
    return dict.fromkeys(one.name for one, _ in ASKED) | place | {kind: told}


def beat(second: int) -> Row:
    at_ms = START_MS + second * 1_000
    blank = dict.fromkeys(next(names for kind, names in ASKED if kind is SOURCE_HEALTH))
    said = {"source": "binance_trades", "state": "running", "breaker": "closed"}
    told = {"observed_at_ms": at_ms, "accepted": 7, "silent_symbols": ["AUSDT", "BUSDT"]}
    return row(SOURCE_HEALTH.name, blank | said | told)


def given(*steps: list[Row]) -> list[Row]:
    """All that the core gives; it is saved between two steps."""
    out, state = [], None
    for rows in steps:
        core = open_core(state, settle_ms=90_000, speed=1.0, is_replay=False)
        out += core.step(rows)
        state = core.save()
    assert all(one.keys() <= set(GIVEN.names) for one in out)
    return out


def lines(rows: list[Row], measurement: str) -> list[str]:
    return [one["line"] for one in rows if one.get("line", "").startswith(f"{measurement},")]


def test_a_gap_is_a_point_that_later_states_overwrite():
    (opened,) = lines(given([row(GAP.name, GAP_TOLD)]), GAPS.name)
    assert opened.startswith("crypto_gaps,coin_id=bitcoin,source=binance,symbol=BTCUSDT ")
    assert "from_id=5i,to_id=9i," in opened
    assert "missing_trades=3i," in opened
    (repaired,) = lines(given([row(GAP.name, GAP_TOLD | {"state": "repaired"})]), GAPS.name)
    assert "missing_trades=0i," in repaired
    other = lines(given([row(GAP.name, GAP_TOLD | {"to_id": 10})]), GAPS.name)[0]
    stamps = [line.rpartition(" ")[2] for line in (opened, repaired, other)]
    assert stamps[0] == stamps[1] != stamps[2]
    assert {int(stamp) // 1_000_000 for stamp in stamps} == {START_MS}


def test_a_heartbeat_is_a_point_without_what_it_does_not_say():
    (line,) = lines(given([beat(5)]), SOURCES.name)
    assert line == (
        'crypto_sources,source=binance_trades state="running",reason="",breaker="closed",'
        f'accepted=7i,silent_symbols="AUSDT,BUSDT" {START_MS + 5_000}000000'
    )


def test_bars_snapshots_gaps_and_heartbeats_make_the_quality_of_each_series():
    rows = [row(CANDLE.name, BAR_TOLD), row(PRICE.name, PRICE_TOLD), row(GAP.name, GAP_TOLD)]
    market, snapshot = sorted(
        lines(given([*rows, beat(30)], [beat(151)]), "crypto_quality"),
        key=lambda one: "snap" in one,
    )
    assert market.startswith("crypto_quality,coin_id=bitcoin,kind=market,source=binance,symbol=")
    assert "agreement=100.0,source_health=100.0,repairs=70.0" in market
    assert snapshot.startswith("crypto_quality,coin_id=bitcoin,kind=snapshot,source=coingecko ")


def test_trades_and_dead_letters_of_a_step_are_handed_on_as_two_texts():
    told = {"traded_at_ms": 1, "collected_at_ms": 2}
    letter = {"topic": "crypto-trades", "reason": "truncated"}
    out = given([row(TRADE.name, told, n) for n in range(3)] + [row("dead_letter", letter, 4)])
    (samples,) = [orjson.loads(one["samples"]) for one in out if "samples" in one]
    place = {"topic": "crypto-trade", "partition": 0}
    assert samples == [told | place | {"offset": n, "logged_ms": START_MS + n} for n in range(3)]
    (letters,) = [orjson.loads(one["letters"]) for one in out if "letters" in one]
    assert letters == [letter | {"logged_ms": START_MS + 4}]


def test_a_step_without_records_gives_nothing():
    assert given([], []) == []
