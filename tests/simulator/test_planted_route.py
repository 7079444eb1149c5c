"""The control endpoint that tells what was planted."""

from pathlib import Path

from simulator.scenario import HOUR_MS
from tests.simulator.builders import (
    NOON_MS,
    Hands,
    bars_scenario,
    market_scenario,
    simulation,
)
from tests.simulator.conftest import Serve


async def test_it_tells_what_has_begun_and_nothing_of_the_future(serve: Serve, tmp_path: Path):
    hands = Hands()
    served = await serve(simulation(market_scenario(), tmp_path, hands=hands))
    served.simulation.clock.run()
    assert (await served.http.get("/control/planted")).json() == {"planted": []}
    hands.seconds += 60  # at speed 60
    told = (await served.http.get("/control/planted")).json()["planted"]
    scenario = served.simulation.scenario
    expected = scenario.planted(NOON_MS, NOON_MS + HOUR_MS + 1)
    assert [one["started_at_ms"] for one in told] == [one.started_at_ms for one in expected]
    assert {one["kind"] for one in told if one["is_planted"]} >= {"price_move", "whale", "silence"}
    assert set(told[0]) == {
        *("kind", "source", "coin_id", "symbol", "started_at_ms", "ended_at_ms", "peak", "unit"),
        *("is_planted", "other_symbol", "other_coin_id"),
    }


async def test_a_part_can_be_asked_for_and_too_much_is_refused(serve: Serve, tmp_path: Path):
    hands = Hands()
    served = await serve(simulation(market_scenario(), tmp_path, hands=hands))
    served.simulation.clock.run()
    hands.seconds += 120
    half_ms = NOON_MS + HOUR_MS
    address = f"/control/planted?from_ms={half_ms}"
    told = (await served.http.get(address)).json()["planted"]
    assert told
    assert all(one["started_at_ms"] >= half_ms for one in told)
    assert (await served.http.get("/control/planted?from_ms=x")).status_code == 400
    hands.seconds += 3 * 24 * 60
    assert (await served.http.get("/control/planted")).status_code == 400


async def test_a_scenario_that_knows_of_none_tells_none(serve: Serve, tmp_path: Path):
    served = await serve(simulation(bars_scenario(tmp_path), tmp_path, hands=Hands()))
    assert (await served.http.get("/control/planted")).json() == {"planted": []}
