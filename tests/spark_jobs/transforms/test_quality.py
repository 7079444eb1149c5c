"""Quality of series: each part by its rule, and the same however the stream is cut."""

import random
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import Fatal
from market.store.measurements import QUALITY
from spark_jobs.transforms import quality_parts
from spark_jobs.transforms.pulse_rows import FACTS
from spark_jobs.transforms.quality import AGENTS, MOST_QUOTES, Quality
from tests.spark_jobs.builders import START_MS

Row = dict[str, Any]
SETTLE_MS = 90_000
MINUTE = 60_000


def fact(kind: str, time_ms: int, **facts: Any) -> Row:
    blank = dict.fromkeys(FACTS) | {"symbol": "", "quote": "", "reason": ""}
    return blank | {"kind": kind, "time_ms": time_ms, "observed_at_ms": time_ms} | facts


def beat(second: int, agent: str = "binance_trades", **facts: Any) -> Row:
    said = {"state": "running", "breaker": "closed", "silent_symbols": "", "source": agent}
    return fact("health", START_MS + second * 1000, **said | facts)


def bar(minute: int, symbol: str = "BTCUSDT", price: float = 100.0, **facts: Any) -> Row:
    """A final bar of ten trades; its last trade ten seconds before its close."""
    close_ms = START_MS + (minute + 1) * MINUTE
    told = {
        "source": "binance",
        "coin_id": "bitcoin",
        "symbol": symbol,
        "quote": symbol[3:],
        "observed_at_ms": close_ms - 10_000,
        "price": price,
        "low": price,
        "high": price,
        "first_trade_id": minute * 10 + 1,
        "last_trade_id": minute * 10 + 10,
        "coverage": 1.0,
    }
    return fact("bar", close_ms, **told | facts)


def snapshot(second: int, price: float = 100.0, **facts: Any) -> Row:
    """A price as of half a minute before it came."""
    told_ms = START_MS + second * 1000
    told = {"source": "coingecko", "coin_id": "bitcoin", "price": price}
    return fact("price", told_ms, **told | {"observed_at_ms": told_ms - 30_000} | facts)


def gap(second: int, state: str, **facts: Any) -> Row:
    told = {"source": "binance", "symbol": "BTCUSDT", "from_id": 5, "to_id": 6, "state": state}
    return fact("gap", START_MS + second * 1000, **told | facts)


def beats(minutes: int) -> list[Row]:
    return [beat(second) for second in range(0, minutes * 60 + 1, 10)]


def judged(*steps: list[Row], **given_: Any) -> list[Row]:
    """All rows in the order in which they are given; the core is saved between two steps."""
    out, state = [], None
    for rows in steps:
        core = Quality(**({"settle_ms": SETTLE_MS} | given_))
        if state is not None:
            core.restore(state)
        out += core.step(rows)
        state = core.save()
    return out


def at(rows: list[Row], minute: int, symbol: str = "BTCUSDT") -> Row:
    wanted = START_MS + minute * MINUTE
    (row,) = [one for one in rows if one["time_ms"] == wanted and one["symbol"] == symbol]
    return row


def test_a_whole_fresh_market_of_a_running_agent_has_all_marks_and_no_reason():
    rows = judged([*beats(10), *(bar(minute) for minute in range(8))])
    row = at(rows, 7)
    assert (row["score"], row["reason"]) == (100.0, "")
    assert row["agreement"] is None
    assert {*QUALITY.tags, *QUALITY.fields, "time_ms"} == row.keys()


def test_a_minute_is_judged_when_it_has_settled_and_only_once():
    early = [*beats(2), bar(0)]
    assert judged(early) == []
    assert [row["time_ms"] for row in judged(early, [beat(150)], [beat(160)])] == [START_MS]


def test_a_minute_without_any_heartbeat_is_not_judged():
    rows = judged([beat(10), bar(0), beat(600)])
    assert [row["time_ms"] for row in rows] == [START_MS]


def test_a_market_that_stands_still_loses_its_marks_minute_by_minute():
    rows = judged([*beats(20), bar(0)])
    marks = [at(rows, minute)["freshness"] for minute in range(12)]
    assert marks[0] == 100.0
    assert all(later < earlier for earlier, later in pairwise(marks[1:10]))
    assert marks[-1] == 0.0
    last = at(rows, 11)
    assert (last["score"], last["reason"]) == (0.0, "its newest number is 11 min old")


def test_missing_ids_of_the_trailing_hour_are_told():
    bars = [bar(minute) for minute in range(8) if minute != 3]
    row = at(judged([*beats(10), *bars]), 7)
    assert row["coverage"] == pytest.approx(100 * 70 / 80)
    assert row["reason"] == "10 of 80 trades of the last hour are missing"


def test_a_bar_that_comes_twice_counts_once():
    bars = [bar(minute) for minute in range(8) if minute != 3]
    once = judged([*beats(10), *bars])
    assert judged([*beats(10), *bars, *bars]) == once
    assert judged([*beats(6), *bars[:4]], [*bars, *beats(10)]) == once


def test_what_left_the_trailing_hour_counts_no_more():
    bars = [bar(minute) for minute in range(70) if minute != 3]
    rows = judged([*beats(72), *bars])
    assert at(rows, 60)["coverage"] < 100
    assert at(rows, 69)["coverage"] == 100.0


def test_a_market_apart_from_its_others_in_the_same_minute_loses_marks():
    quotes = [bar(0), bar(0, "BTCUSDC", 101.0), bar(0, "BTCEUR", 7.0)]
    rows = judged([*beats(3), *quotes])
    apart_pct = 100 * (101 / 100 - 1)
    assert at(rows, 0, "BTCUSDC")["agreement"] == pytest.approx(100 * (1 - (apart_pct - 0.5) / 1.5))
    assert at(rows, 0, "BTCUSDC")["reason"] == "it is 1.00 % away from another quote"
    assert at(rows, 0, "BTCEUR")["agreement"] is None


def test_a_snapshot_is_compared_with_the_minute_in_which_it_was_observed():
    quotes = [bar(0, low=100.0, high=104.0), bar(1, price=110.0), snapshot(80, 103.0)]
    rows = judged([*beats(4), *quotes])
    assert at(rows, 1)["agreement"] == 100.0, "it was at 103 within its minute"
    assert at(rows, 1, "")["agreement"] == 0.0, "the market closed at 100"


@pytest.mark.parametrize(
    ("said", "marks", "reason"),
    [
        ({"state": "degraded", "reason": "lost"}, 50.0, "binance_trades is degraded: lost"),
        ({"state": "off", "reason": "no key"}, 0.0, "binance_trades is off: no key"),
        ({"breaker": "open"}, 50.0, "the circuit breaker of binance_trades is not closed"),
        ({"silent_symbols": "ETHUSDT,BTCUSDT"}, 0.0, "it is silent while others trade"),
    ],
)
def test_what_its_agent_says_of_itself_counts(said: Row, marks: float, reason: str):
    rows = judged([beat(59, **said), beat(70), beat(180), bar(0)])
    assert at(rows, 0)["source_health"] == marks
    assert at(rows, 0)["reason"] == reason


def test_an_agent_that_is_not_heard_of_gives_no_marks():
    others = [beat(second, "rss") for second in range(0, 400, 10)]
    row = at(judged([beat(0), *others, *(bar(minute) for minute in range(4))]), 3)
    assert row["reason"] == "binance_trades has not been heard of for 4 min"


def test_gaps_cost_marks_by_their_state_for_an_hour_and_open_ones_for_longer():
    repaired = [gap(10, "open"), gap(20, "repaired"), gap(15, "upstream_missing", from_id=9)]
    rows = judged([*beats(75), *(bar(minute) for minute in range(73)), *repaired])
    assert at(rows, 1)["repairs"] == 75.0
    assert at(rows, 70)["repairs"] == 100.0
    still_open = judged([*beats(75), *(bar(minute) for minute in range(73)), gap(10, "open")])
    assert at(still_open, 70)["reason"] == "gaps of the last hour: 1 open"


def test_in_a_fast_replay_ages_are_allowed_what_the_clock_is_off():
    slow = judged([*beats(20), bar(0)], is_replay=True, speed=60.0)
    assert at(slow, 10)["freshness"] == 100.0


def replayed(late_min: int) -> list[Row]:
    """Three hours at speed 60 in steps of ten seconds; bars come late, snapshots at once."""
    steps = []
    for until in range(10, 190, 10):
        minutes = range(until - 10, until)
        told = [snapshot(60 * minute + 30) for minute in minutes]
        late = [minute - late_min for minute in minutes if minute >= late_min]
        told += [bar(minute, symbol) for minute in late for symbol in ("BTCUSDT", "BTCUSDC")]
        steps.append([*told, beat(60 * until)])
    return judged(*steps, settle_ms=60_000 + 1_800_000, speed=60.0, is_replay=True)


@pytest.mark.parametrize("late_min", [20, 40, 60])
def test_in_a_fast_replay_bars_that_come_late_are_still_compared(late_min: int):
    newest = [row for row in replayed(late_min) if row["time_ms"] >= START_MS + 120 * MINUTE]
    assert {row["symbol"] for row in newest} == {"BTCUSDT", "BTCUSDC", ""}
    assert {row["agreement"] for row in newest} == {100.0}


def test_quotes_are_kept_for_others_in_bounded_number():
    core = Quality(settle_ms=5 * 86_400_000, speed=10_000.0, is_replay=True)
    core.step([*(bar(minute) for minute in range(300)), beat(10 * 86_400)])
    (series,) = orjson.loads(core.save())["series"].values()
    assert 1 < len(series["quotes"]) <= MOST_QUOTES


def test_one_heartbeat_from_the_future_moves_no_time():
    rows = judged([*beats(4), beat(7_200, "rss"), bar(0), bar(1)])
    assert {row["time_ms"] for row in rows} == {START_MS, START_MS + MINUTE}


def test_state_of_another_version_is_refused():
    core = Quality(settle_ms=SETTLE_MS)
    with pytest.raises(Fatal, match="raise the `version`"):
        core.restore(orjson.dumps({"version": 99}))


def test_a_market_of_which_nothing_came_for_a_day_is_forgotten():
    late = 1_500 * 60
    core = Quality(settle_ms=SETTLE_MS)
    core.step([*beats(3), bar(0)])
    given_rows = core.step([beat(late), beat(late + 200)])
    assert max(row["time_ms"] for row in given_rows) < START_MS + 3 * MINUTE
    assert orjson.loads(core.save())["series"] == {}


def test_the_weights_are_shares_of_one_and_name_the_fields():
    assert sum(quality_parts.WEIGHTS.values()) == pytest.approx(1.0)
    assert set(quality_parts.WEIGHTS) <= set(QUALITY.fields)


def test_every_agent_of_trades_and_prices_is_known_by_what_its_records_are_called():
    from agents.sources import SOURCES
    from schemas.record_types import PRICE, TRADE

    feeds = {
        source.source: name
        for name, source in SOURCES.items()
        if source.record_type in (TRADE, PRICE)
    }
    assert {source: AGENTS.get(source, source) for source in feeds} == feeds


def some_rows(rng: random.Random) -> list[Row]:
    """A quarter of an hour, each row at most 60 s after what it is about."""
    rows = [beat(second, agent) for second in range(0, 900, 10) for agent in ("rss", "coingecko")]
    rows += [beat(second) for second in range(0, 900, 10) if rng.random() < 0.7]
    for minute in range(15):
        for symbol in ("BTCUSDT", "BTCUSDC"):
            if rng.random() < 0.8:
                facts = {"coverage": rng.choice([1.0, 0.9])}
                rows.append(bar(minute, symbol, rng.uniform(98, 102), **facts))
        rows.append(snapshot(minute * 60 + rng.randrange(60), rng.uniform(98, 102)))
    rows += [gap(rng.randrange(900), rng.choice(["open", "repaired"])) for _ in range(4)]
    return sorted(rows, key=lambda row: row["time_ms"] + rng.randrange(60_000))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(1, 400), max_size=12))
def test_what_is_given_does_not_depend_on_how_the_stream_is_cut(seed: int, cuts: list[int]):
    rows = some_rows(random.Random(seed))
    borders = [0, *sorted({cut for cut in cuts if cut < len(rows)}), len(rows)]
    whole = judged(rows)
    assert whole
    assert judged(*(rows[a:b] for a, b in pairwise(borders))) == whole
