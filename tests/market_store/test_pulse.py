"""What the platform says of itself, read back from the real InfluxDB."""

from typing import Any

import httpx
import pytest

from market.store.lines import line_of
from market.store.measurements import (
    GAPS,
    PIPELINE_JOBS,
    PIPELINE_LETTERS,
    PIPELINE_STAGES,
    QUALITY,
    SOURCES,
    Measurement,
)
from market.store.pulse import LettersRow, StageRow
from market.store.stamps import NS_IN_MS
from tests.market_store.builders import DAY_START, HOUR, MINUTE
from tests.market_store.store import Store

pytestmark = pytest.mark.integration

# Years away from what other tests of the session write to the same bucket.
NOW = DAY_START + 1_000 * 24 * HOUR


def write(store: Store, measurement: Measurement, *rows: dict[str, Any]) -> None:
    answer = httpx.post(
        f"{store.access.url}/api/v2/write",
        params={"org": store.access.org, "bucket": store.access.speed_bucket, "precision": "ns"},
        headers={"Authorization": f"Token {store.access.write_token}"},
        content="\n".join(filter(None, (line_of(measurement, row) for row in rows))),
    )
    assert answer.status_code == 204, answer.text


async def test_the_newest_of_each_job_and_stage_and_the_letters_of_the_hour(opened):
    def job(name: str, at_ms: int, **facts: Any) -> dict[str, Any]:
        return {"job": name, "kind": "job", "time_ms": at_ms, "state": "running"} | facts

    def letters(at_ms: int, n: int) -> dict[str, Any]:
        told = {"kind": "dead_letters", "topic": "crypto-trades", "reason": "truncated"}
        return told | {"letters": n, "time_ms": at_ms}

    async with opened() as store:
        old = NOW - 20_000
        write(store, PIPELINE_JOBS, job("candles", old, lag_records=9), job("candles", NOW))
        write(store, PIPELINE_JOBS, job("bars", NOW - 2 * HOUR))
        stage = {"kind": "latency", "stage": "whole", "time_ms": NOW, "p95_ms": 900.0, "n": 5}
        write(store, PIPELINE_STAGES, stage)
        write(store, PIPELINE_LETTERS, letters(NOW - 2 * HOUR, 50))
        write(store, PIPELINE_LETTERS, letters(NOW - MINUTE, 3), letters(NOW, 4))
        found = await store.reader.pulse.pipeline(wall_ms=NOW)
    (row,) = found.jobs
    assert (row.job, row.observed_at_ms, row.state) == ("candles", NOW, "running")
    assert row.lag_records is None, "of an older row"
    assert found.stages == (StageRow("whole", NOW, p95_ms=900.0, n=5),)
    assert found.letters == (LettersRow("crypto-trades", "truncated", 7),)


async def test_the_newest_heartbeat_of_each_agent_of_a_day(opened):
    def beat(source: str, at_ms: int, **facts: Any) -> dict[str, Any]:
        return {"source": source, "time_ms": at_ms, "state": "running", "reason": ""} | facts

    async with opened() as store:
        rows = [beat("rss", NOW - MINUTE, accepted=1), beat("rss", NOW, accepted=2)]
        write(store, SOURCES, *rows, beat("old", NOW - 48 * HOUR))
        found = await store.reader.pulse.sources(now_ms=NOW)
    assert [(row.source, row.observed_at_ms, row.accepted) for row in found] == [("rss", NOW, 2)]


async def test_two_gaps_of_one_millisecond_are_two_and_a_new_state_replaces_the_old(opened):
    def gap(from_id: int, state: str, place: int) -> dict[str, Any]:
        market = {"coin_id": "bitcoin", "source": "binance", "symbol": "BTCUSDT"}
        ids = {"from_id": from_id, "to_id": from_id + 4, "missing_trades": 5, "repaired_trades": 0}
        told = {"cause": "reconnect", "state": state, "to_ms": NOW, "observed_at_ms": NOW}
        return market | ids | told | {"stamp_ns": (NOW - 7) * NS_IN_MS + place}

    async with opened() as store:
        write(store, GAPS, gap(1, "open", 17), gap(10, "open", 999_999))
        write(store, GAPS, gap(1, "repaired", 17))
        found = await store.reader.pulse.gaps(from_ms=NOW - HOUR, to_ms=NOW)
    assert [(one.from_id, one.state, one.from_ms) for one in found] == [
        (10, "open", NOW - 7),
        (1, "repaired", NOW - 7),
    ]


async def test_the_newest_quality_of_each_series_the_worst_first(opened):
    def quality(coin_id: str, symbol: str, score: float, at_ms: int) -> dict[str, Any]:
        told = {"kind": "market" if symbol else "snapshot", "source": "s", "reason": "because"}
        return told | {"coin_id": coin_id, "symbol": symbol, "score": score, "time_ms": at_ms}

    async with opened() as store:
        rows = [
            quality("bitcoin", "BTCUSDT", 10.0, NOW - 2 * MINUTE),
            quality("bitcoin", "BTCUSDT", 90.0, NOW - MINUTE),
            quality("bitcoin", "", 50.0, NOW - MINUTE),
            quality("solana", "SOLUSDT", 70.0, NOW - MINUTE),
        ]
        write(store, QUALITY, *rows)
        span = {"from_ms": NOW - HOUR, "to_ms": NOW}
        every = await store.reader.pulse.quality(coin_id=None, **span)
        solana = await store.reader.pulse.quality(coin_id="solana", **span)
    assert [(row.score, row.symbol) for row in every] == [
        (50.0, None),
        (70.0, "SOLUSDT"),
        (90.0, "BTCUSDT"),
    ]
    assert every[0].through_ms == NOW
    assert [row.coin_id for row in solana] == ["solana"]
