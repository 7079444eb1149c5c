import asyncio
from typing import Any

import pytest

from agents.intake import Intake
from agents.repair import PATIENCE_S, TradePages
from agents.sources.binance_trades import BinanceTrades
from market.errors import Retryable
from tests.agents.fakes import FakeClock, FakeHttp, FakePublisher, FakeVenue, settings
from tests.agents.virtual_time import now_s, run


def pages_of(script: Any) -> TradePages:
    source, clock = BinanceTrades(settings()), FakeClock()
    intake = Intake(source, publisher=FakePublisher(), clock=clock)
    return TradePages(source, upstream=FakeHttp(script), intake=intake, clock=clock, max_pages=5)


async def ids(pages: TradePages, from_id: int) -> list[int]:
    return [
        trade["trade_id"]
        async for page in pages.since_id("BTCUSDT", from_id, pages.allowance())
        for trade in page
    ]


def test_a_wait_longer_than_the_patience_is_not_begun():
    async def asked() -> float:
        with pytest.raises(Retryable):
            await ids(pages_of(lambda request: Retryable("banned", retry_after_s=86_400)), 1)
        return now_s()

    assert run(asked()) < PATIENCE_S


def test_an_outage_of_long_ago_takes_no_patience_from_the_next_one():
    venue = FakeVenue({"BTCUSDT": 5})
    failures = [Retryable("away") for _ in range(200)]
    pages = pages_of(lambda request: failures.pop() if failures else venue(request))

    async def two_outages() -> list[int]:
        with pytest.raises(Retryable):
            await ids(pages, 1)
        failures.clear()
        await asyncio.sleep(10_000)
        failures.append(Retryable("hiccup"))
        return await ids(pages, 3)

    assert run(two_outages()) == [3, 4, 5]
