"""The polled sources of the agents against the simulator's real protocols: what it says that it
told is what they have, once."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agents.http import HttpxTransport
from agents.intake import Intake
from agents.memory import Memory
from agents.poll import PollRunner
from agents.source import PollSource, Request, Response
from agents.sources import SOURCES
from tests.agents.fakes import FakePublisher, settings
from tests.simulator.builders import Hands, market_scenario, simulation
from tests.simulator.conftest import Running, Serve

pytestmark = pytest.mark.integration

HOUR_S = 3_600 / 60  # the simulation runs at speed 60
# By source the simulator's word for what it tells, and the fields that tell a record apart there.
KINDS = {
    "coingecko": ("prices", ("source", "coin_id", "observed_at_ms")),
    "coingecko_global": ("global", ("source", "observed_at_ms")),
    "coinmarketcap": ("prices", ("source", "coin_id", "observed_at_ms")),
    "rss": ("articles", ("source", "guid", "title")),
    "fear_greed": ("fear_greed", ("source", "observed_at_ms")),
}


@dataclass
class Polled:
    """One source, polled by the real runner over real HTTP into a publisher that remembers."""

    source: PollSource
    poll: Callable[[], Coroutine[Any, Any, list[Exception]]]
    publisher: FakePublisher
    intake: Intake
    statuses: list[int]

    @property
    def records(self) -> list[dict[str, Any]]:
        return self.publisher.on(self.source.record_type.topic)


@dataclass
class ClockOf:
    """The platform's clock of a simulation."""

    running: Running
    speed: float = 60.0
    scenario: str | None = "market"

    def now_ms(self) -> int:
        return self.running.simulation.now_ms()


@asynccontextmanager
async def polled(name: str, running: Running) -> AsyncIterator[Polled]:
    place = f"http://127.0.0.1:{running.port}"
    source = SOURCES[name](
        settings(
            coingecko_url=f"{place}/api/v3",
            coinmarketcap_url=place,
            coinmarketcap_api_key="simulated",
            fear_greed_url=place,
            rss_feeds=f"coindesk={place}/rss/coindesk,cointelegraph={place}/rss/cointelegraph",
        )
    )
    assert isinstance(source, PollSource)
    assert source.off_because() is None
    transport, statuses = HttpxTransport(source.settings), []

    class Watched:
        async def fetch(self, request: Request) -> Response:
            response = await transport.send(request)
            statuses.append(response.status)
            return response

    clock, publisher = ClockOf(running), FakePublisher()
    intake = Intake(source, publisher=publisher, clock=clock)
    runner = PollRunner(
        source, upstream=Watched(), intake=intake, memory=Memory(source.memory), clock=clock
    )
    try:
        yield Polled(source, runner.poll, publisher, intake, statuses)
    finally:
        await transport.close()


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def running(serve: Serve, tmp_path: Path, hands: Hands) -> Running:
    found = await serve(simulation(market_scenario(), tmp_path, hands=hands))
    found.simulation.clock.run()
    return found


async def told(running: Running, kind: str) -> list[tuple[Any, ...]]:
    body = (await running.http.get("/control/published", params={"kind": kind})).json()
    return [tuple(key) for key in body["keys"]]


@pytest.mark.parametrize("name", KINDS)
async def test_what_the_simulator_told_arrived_once_and_nothing_was_refused(
    name: str, running: Running, hands: Hands
):
    kind, fields = KINDS[name]
    async with polled(name, running) as trial:
        for _ in range(5):
            assert await trial.poll() == []
            assert await trial.poll() == []
            hands.seconds += 5 * HOUR_S
    keys = [tuple(record[field] for field in fields) for record in trial.records]
    assert sorted(keys) == sorted(await told(running, kind))
    assert len(keys) >= 2
    assert trial.intake.counters.rejected == 0
    assert trial.intake.counters.duplicate > 0 or 304 in trial.statuses


async def test_an_unchanged_feed_answers_304_and_a_later_one_its_news(
    running: Running, hands: Hands
):
    async with polled("rss", running) as trial:
        await trial.poll()
        first = len(trial.records)
        await trial.poll()
        assert trial.statuses == [200, 200, 304, 304]
        assert len(trial.records) == first > 0
        hands.seconds += 12 * HOUR_S
        await trial.poll()
        assert trial.statuses[-2:] == [200, 200]
        assert len(trial.records) > first


async def test_both_vendors_prices_bear_the_same_coins(running: Running):
    coins = {}
    for name in ("coingecko", "coinmarketcap"):
        async with polled(name, running) as trial:
            await trial.poll()
        coins[name] = {record["coin_id"]: record["price_usd"] for record in trial.records}
    assert len(coins["coinmarketcap"]) >= 50
    assert coins["coinmarketcap"].keys() <= coins["coingecko"].keys()
    assert coins["coinmarketcap"]["bitcoin"] == pytest.approx(
        coins["coingecko"]["bitcoin"], rel=0.01
    )
