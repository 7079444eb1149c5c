"""Episodes read back from the real InfluxDB, written as the sink writes them."""

import json

import httpx
import pytest

from market.anomaly import anomaly_id
from market.store.anomalies import Anomaly, AnomalySearch
from market.store.measurements import ANOMALIES
from market.store.stamps import stamp_ns
from tests.market_store.builders import DAY, DAY_START, HOUR, MINUTE

pytestmark = pytest.mark.integration


def an_anomaly(started_at_ms: int = DAY_START, **facts) -> Anomaly:
    named = {
        "anomaly_id": anomaly_id("price_move", f"{facts.get('symbol', 'BTCUSDT')}", started_at_ms),
        "revision": 1,
        "phase": "opened",
        "kind": "price_move",
        "severity": "medium",
        "source": "binance",
        "started_at_ms": started_at_ms,
        "detected_at_ms": started_at_ms + 20_000,
        "peaked_at_ms": started_at_ms + 30_000,
        "observed_at_ms": started_at_ms + 30_000,
        "value": 6.5,
        "peak_value": 7.25,
        "unit": "%",
        "sentence": 'BTCUSDT rose 7.25 % in "a minute".',
        "coin_id": "bitcoin",
        "symbol": "BTCUSDT",
        "quote": "USDT",
        "threshold": 5.0,
        "n": 40,
        "window_ms": 60_000,
        "sources": ("binance/BTCUSDT",),
        "trade_ids": (1, 2**53 + 1),
        "coordinates": ("crypto-trades/0/17",),
    } | facts
    return Anomaly(**named)


def line(one: Anomaly) -> str:
    tags = "".join(f",{name}={getattr(one, name)}" for name in ANOMALIES.tags if getattr(one, name))
    fields = []
    for name, kind in ANOMALIES.fields.items():
        cell = getattr(one, name)
        if cell is None:
            continue
        cell = list(cell) if isinstance(cell, tuple) else cell
        text = json.dumps(cell) if isinstance(cell, list) else str(cell)
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        fields.append(
            f'{name}="{escaped}"' if kind == "string" else f"{name}={cell}{'i' * (kind == 'int')}"
        )
    stamp = stamp_ns(one.started_at_ms, one.anomaly_id)
    return f"crypto_anomalies{tags} {','.join(fields)} {stamp}"


def write(store, *episodes: Anomaly) -> None:
    access = store.access
    answer = httpx.post(
        f"{access.url}/api/v2/write",
        params={"org": access.org, "bucket": access.speed_bucket, "precision": "ns"},
        headers={"Authorization": f"Token {access.write_token}"},
        content="\n".join(map(line, episodes)),
    )
    assert answer.status_code == 204, answer.text


def a_search(**facts) -> AnomalySearch:
    named = {"from_ms": DAY_START, "to_ms": DAY_START + 9 * DAY, "limit": 100} | facts
    return AnomalySearch(**named)


@pytest.fixture
def coin(market) -> str:
    """A coin of this test's own, since all tests share one store."""
    return market.coin_id


async def test_an_episode_comes_back_as_it_was_written(opened, coin):
    async with opened() as store:
        episode = an_anomaly(coin_id=coin)
        bare = an_anomaly(
            DAY_START + 1, coin_id=coin, symbol=None, quote=None, kind="silence", threshold=None,
            n=None, window_ms=None, sources=(), trade_ids=(), coordinates=(),
        )  # fmt: skip
        write(store, episode, bare)
        assert await store.reader.anomalies(a_search(coin_id=coin)) == (bare, episode)


async def test_a_newer_revision_takes_the_place_of_the_older(opened, coin):
    async with opened() as store:
        resolved = an_anomaly(
            coin_id=coin, revision=3, phase="resolved", resolved_at_ms=DAY_START + MINUTE
        )
        write(store, an_anomaly(coin_id=coin))
        write(store, resolved)
        assert await store.reader.anomalies(a_search(coin_id=coin)) == (resolved,)


async def test_pages_hold_each_episode_once_also_those_of_one_millisecond(opened, coin):
    async with opened() as store:
        several = [
            an_anomaly(DAY_START + shift, coin_id=coin, symbol=f"S{n}USDT")
            for n, shift in enumerate((0, 5, 5, 5, HOUR, 30 * HOUR, 5 * DAY))
        ]
        write(store, *several)
        seen: list[Anomaly] = []
        while True:
            before = seen[-1].place if seen else None
            page = await store.reader.anomalies(a_search(coin_id=coin, limit=2, before=before))
            if not page:
                break
            seen += page
        assert seen == sorted(several, key=lambda one: one.place, reverse=True)


async def test_kinds_severities_and_times_are_picked(opened, coin):
    async with opened() as store:
        move = an_anomaly(coin_id=coin)
        whale = an_anomaly(DAY_START + HOUR, coin_id=coin, kind="whale", severity="high")
        late = an_anomaly(DAY_START + 2 * HOUR, coin_id=coin, kind="volume", severity="high")
        write(store, move, whale, late)

        async def found(**facts) -> list[Anomaly]:
            return list(await store.reader.anomalies(a_search(coin_id=coin, **facts)))

        assert await found(kinds=frozenset({"whale", "price_move"})) == [whale, move]
        assert await found(severities=frozenset({"high"})) == [late, whale]
        assert await found(to_ms=DAY_START + 2 * HOUR) == [whale, move]
        assert await found(from_ms=DAY_START + 1) == [late, whale]


async def test_the_coin_that_was_overtaken_finds_it_too(opened, coin):
    async with opened() as store:
        passed = an_anomaly(
            kind="overtake", coin_id=f"winner-of-{coin}", symbol=None, other_coin_id=coin
        )
        write(store, passed)
        assert await store.reader.anomalies(a_search(coin_id=coin)) == (passed,)


async def test_one_is_found_by_its_id_and_an_id_that_is_code_finds_none(opened, coin):
    async with opened() as store:
        one = an_anomaly(coin_id=coin, symbol=f"X{coin}")
        write(store, one)
        now_ms = DAY_START + 2 * DAY
        assert await store.reader.anomaly(one.anomaly_id, now_ms=now_ms) == one
        for nonsense in ("", 'x") or true or ("', "0" * 24):
            assert await store.reader.anomaly(nonsense, now_ms=now_ms) is None
