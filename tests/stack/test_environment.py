"""Each process gets where the parts are, and no token that it does not need."""

from urllib.parse import urlsplit

import pytest

from agents.settings import AgentSettings
from agents.source import PollSource
from agents.sources import SOURCES
from stack import environment
from stack.environment import Environment, buckets, external_access, held_access
from stack.failure import Failure
from stack.home import Home, Scenario
from stack.platform import AGENTS
from stack.processes.influxd import SPEED_RETENTION_S, InfluxAccess
from stack.settings import StackSettings

ACCESS = InfluxAccess(
    "http://127.0.0.1:8086", "org", "main", "speed", "seconds", "read-1", "write-1"
)
BARS = Scenario("bars", 7, 0, 600.0, (("BTCUSD", "/a.csv"), ("BTCUSDT", "/b.csv")))


@pytest.fixture(autouse=True)
def no_dotenv(monkeypatch):
    monkeypatch.setattr(environment, "_from_dotenv", dict)


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


def an_environment(scenario: Scenario | None = BARS) -> Environment:
    return Environment(StackSettings(_env_file=None, influx_url=None), scenario)


def test_only_the_api_can_read_and_only_spark_can_write(home):
    made = an_environment()
    assert "read-1" in made.api(home, ACCESS).values()
    assert "write-1" not in made.api(home, ACCESS).values()
    assert "write-1" in made.writer(home, ACCESS).values()
    assert "read-1" not in made.writer(home, ACCESS).values()
    for plain in (made.agent(home), made.web(home), made.simulator(home, BARS)):
        assert not {"read-1", "write-1"} & set(plain.values())


def test_in_a_demo_the_simulator_is_the_only_upstream(home):
    agent = an_environment().agent(home)
    upstreams = [agent[f"CRYPTOVIZ_{name}"] for name in ("COINGECKO_URL", "BINANCE_REST_URL")]
    assert upstreams == ["http://127.0.0.1:8900/api/v3", "http://127.0.0.1:8900"]
    assert agent["CRYPTOVIZ_BINANCE_STREAM_URL"] == "ws://127.0.0.1:8900"
    assert agent["CRYPTOVIZ_BINANCE_SYMBOLS"] == "BTCUSD,BTCUSDT"
    assert agent["CRYPTOVIZ_COINGECKO_API_KEY"] == ""


def test_live_agents_keep_the_real_upstreams_and_have_no_scenario_clock(home):
    agent = an_environment(None).agent(home)
    assert "CRYPTOVIZ_COINGECKO_URL" not in agent
    assert "CRYPTOVIZ_CLOCK_FILE" not in agent


def test_a_demo_keeps_the_speed_bucket_for_ever_and_live_does_not():
    settings = StackSettings(_env_file=None)
    assert buckets(settings, is_demo=True).speed_retention_s == 0
    assert buckets(settings, is_demo=False).speed_retention_s == SPEED_RETENTION_S


def test_an_external_influxdb_without_tokens_is_refused_in_words():
    settings = StackSettings(
        _env_file=None, influx_url="http://x:1", influx_read_token=None, influx_write_token=None
    )
    with pytest.raises(Failure, match="tokens are missing") as caught:
        external_access(settings)
    assert "CRYPTOVIZ_INFLUX_WRITE_TOKEN" in str(caught.value.fix)


def test_a_home_whose_start_is_not_finished_says_to_wait(home):
    settings = StackSettings(_env_file=None, influx_url=None)
    with pytest.raises(Failure, match="not set up yet"):
        held_access(settings, home, is_demo=True)


def test_every_source_has_a_process_of_up():
    assert sorted(AGENTS) == sorted(SOURCES)


def test_in_a_demo_no_source_asks_anybody_but_the_simulator(home, monkeypatch):
    for name, text in an_environment().agent(home).items():
        monkeypatch.setenv(name, text)
    settings = AgentSettings()
    for kind in SOURCES.values():
        source = kind(settings)
        assert source.off_because() is None
        addresses = {source.base_url}
        if isinstance(source, PollSource):
            addresses |= {request.url for request in source.requests({})}
        assert {urlsplit(one).netloc for one in addresses} == {"127.0.0.1:8900"}, source.name
