import httpx

from api.envelope import Envelope
from api.kafka_probe import KafkaState
from api.routes.health import Health, InfluxHealth
from tests.api.fakes import NOW, FakeClock, FakeStore, a_last_candle, a_snapshot, serving


async def get(store: FakeStore, path: str = "/health", **facts) -> httpx.Response:
    async with serving(store, **facts) as client:
        return await client.get(path)


def parts(response: httpx.Response) -> dict[str, bool]:
    return {part["name"]: part["is_up"] for part in response.json()["data"]["parts"]}


async def test_everything_up_and_fresh_is_ok():
    response = await get(FakeStore((a_snapshot(),), (a_last_candle(),)))
    health = Envelope[Health].model_validate_json(response.content).data
    assert response.status_code == 200
    assert (health.status, health.is_live, health.is_ready) == ("ok", True, True)
    assert parts(response) == {"kafka": True, "influxdb": True, "prices": True, "trades": True}
    assert [part.age_s for part in health.parts] == [None, None, 30.0, 5.0]


async def test_one_fresh_feed_is_ready_and_degraded():
    response = await get(FakeStore(last=(a_last_candle(),)))
    assert response.status_code == 200
    assert response.json()["data"]["status"] == "degraded"


async def test_a_broker_that_is_down_leaves_the_answers_ready():
    down = KafkaState(is_up=False, detail="The broker does not answer.")
    response = await get(FakeStore((a_snapshot(),), (a_last_candle(),)), kafka=down)
    assert response.status_code == 200
    assert response.json()["data"]["status"] == "degraded"


async def test_without_any_fresh_number_it_is_not_ready():
    response = await get(FakeStore((a_snapshot(observed_at_ms=NOW - 900_000),)))
    assert response.status_code == 503
    assert response.json()["data"]["is_ready"] is False
    assert response.json()["data"]["is_live"] is True


async def test_without_a_database_health_still_answers_with_an_envelope():
    response = await get(FakeStore(is_down=True))
    health = Envelope[Health].model_validate_json(response.content).data
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert health.status == "down"
    assert parts(response) == {"kafka": True, "influxdb": False, "prices": False, "trades": False}
    assert "secret-host" not in response.text


async def test_a_replay_names_its_scenario_and_clock():
    response = await get(FakeStore(), clock=FakeClock(speed=60.0, scenario="bars"))
    assert response.json()["data"]["clock"] == {
        "now": "2023-03-11T12:00:00.000Z",
        "speed": 60.0,
        "is_replay": True,
        "scenario": "bars",
    }


async def test_influx_health_tells_version_and_latency():
    response = await get(FakeStore(), "/health/influx")
    health = Envelope[InfluxHealth].model_validate_json(response.content).data
    assert (response.status_code, health.version, health.latency_ms) == (200, "2.9.1", 1.5)


async def test_influx_down_is_503_with_retry_after():
    response = await get(FakeStore(is_down=True), "/health/influx")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert response.json()["data"]["is_up"] is False
