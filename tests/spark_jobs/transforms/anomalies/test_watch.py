"""The cores: the same however rows are cut, killed or restored, and bounded."""

import random
from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.anomaly import KINDS
from market.errors import Fatal
from spark_jobs.transforms.anomalies.seconds import GIVEN, ORDER, RANKING, SOURCES
from spark_jobs.transforms.anomalies.watch import open_core
from spark_jobs.transforms.anomalies.week import bin_of
from tests.spark_jobs.transforms.anomalies.builders import (
    Row,
    a_heartbeat,
    a_second,
    a_snapshot,
)


def wild(seed: int, seconds: int = 9_000) -> dict[str, list[Row]]:
    """Hours in which all kinds of things happen, by the key of their core."""
    rng = random.Random(seed)
    coin, ranking, sources = [], [], []
    price, usdc, caps = 100.0, 1.0, [10.0, 9.9, 5.0]
    for at_s in range(0, seconds, 10):
        price *= 1 + rng.gauss(0, 0.002) + (rng.random() < 0.01) * rng.choice((-0.08, 0.1))
        usdc = rng.choice((1.0, 1.03)) if rng.random() < 0.02 else usdc
        loud = 60 if rng.random() < 0.02 else 1
        tick = 1_000 if rng.random() < 0.005 else 1
        amount = 3e6 if rng.random() < 0.01 else 90.0
        volume = 1_000.0 * loud * rng.lognormvariate(0, 0.5)
        facts = {"quote_volume": volume, "bought": volume * rng.random(), "amount": amount}
        facts["size_bins"] = [bin_of(90.0)] * 10
        coin.append(a_second(at_s, price * tick, trades=1 if tick > 1 else 10, **facts))
        coin.append(a_second(at_s, price * usdc, symbol="BTCUSDC", quote="USDC"))
        if at_s % 60 == 0:
            caps = [cap * (1 + rng.gauss(0, 0.005)) for cap in caps]
            coin.append(a_snapshot(at_s, price * tick))
            ranking += [
                a_snapshot(at_s, coin_id=f"coin-{n}", market_cap_usd=cap * 1e9)
                for n, cap in enumerate(caps)
            ]
        silent = ["ETHUSDT"] if rng.random() < 0.2 else []
        sources += [
            a_heartbeat(at_s, name, silent_symbols=silent)
            for name in ("binance_trades", "coingecko")
            if rng.random() < 0.7 and not 3_000 < at_s % 4_000 < 3_600
        ]
    coin += [a_second(6_001 + n, price * 1.05**n, quote_volume=9e5, bought=8e5) for n in range(9)]
    held = {"bitcoin": coin, RANKING: ranking, SOURCES: sources}
    return {key: sorted(rows, key=_in_order) for key, rows in held.items()}


def _in_order(row: Row) -> list[str]:
    return [f"{row[name]:>20}" if isinstance(row[name], int) else str(row[name]) for name in ORDER]


HOURS = wild(seed=5)
WHOLE = {key: open_core(key, None).step(rows) for key, rows in HOURS.items()}


def test_every_kind_is_seen_in_hours_in_which_everything_happens():
    assert {row["kind"] for told in WHOLE.values() for row in told} == set(KINDS)


@settings(deadline=None, max_examples=15)
@given(cuts=st.lists(st.integers(0, 2_000), max_size=12), kill=st.booleans())
@pytest.mark.parametrize("key", list(HOURS))
def test_what_is_given_does_not_depend_on_how_the_rows_are_cut(key, cuts, kill):
    rows = HOURS[key]
    borders = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    core, found = open_core(key, None), []
    for begin, end in pairwise(borders):
        core = open_core(key, core.save()) if kill else core
        found += core.step(rows[begin:end])
    assert found == WHOLE[key]


@pytest.mark.parametrize("key", list(HOURS))
def test_saved_and_restored_at_each_row_it_is_as_if_nobody_had_killed_it(key):
    core, found = open_core(key, None), []
    for row in HOURS[key][:1_500]:
        core = open_core(key, core.save())
        found += core.step([row])
    assert found == WHOLE[key][: len(found)]
    assert found


def test_every_row_has_the_columns_of_the_contract_and_a_sentence():
    for told in WHOLE.values():
        for row in told:
            assert set(row) == set(GIVEN.names)
            assert row["sentence"].endswith(".")
            assert row["started_at_ms"] <= row["detected_at_ms"] <= row["observed_at_ms"]
            assert row["stamp_ns"] // 1_000_000 == row["started_at_ms"]


def test_an_episode_has_one_id_and_its_revisions_count_up_to_its_end():
    by_id: dict[str, list[Row]] = {}
    for told in WHOLE.values():
        for row in told:
            by_id.setdefault(row["anomaly_id"], []).append(row)
    for held in by_id.values():
        assert [row["revision"] for row in held] == list(range(1, len(held) + 1))
        assert held[0]["phase"] == "opened"
        assert all(row["phase"] == "peaked" for row in held[1:-1])
        assert len({row["stamp_ns"] for row in held}) == 1


def test_the_state_is_bounded():
    """Two weeks of a coin's two markets weigh no more than one."""
    core = open_core("bitcoin", None)
    rng = random.Random(1)
    sizes = []
    for week in range(3):
        for at_s in range(week * 7 * 86_400, (week + 1) * 7 * 86_400, 600):
            volume = 1_000 * rng.lognormvariate(0, 1)
            core.step([a_second(at_s, quote_volume=volume), a_snapshot(at_s)])
        sizes.append(len(core.save()))
    assert sizes[2] < sizes[1] * 1.1
    assert sizes[2] < 30_000


def test_state_of_an_unknown_version_is_refused_with_the_way_out():
    with pytest.raises(Fatal, match="version 9, this code reads 1: raise the `version`"):
        open_core("bitcoin", orjson.dumps([9, []]))
