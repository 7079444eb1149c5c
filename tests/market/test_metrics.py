"""Prometheus text of every process, as the library's own parser reads it."""

import socket
from types import SimpleNamespace

import httpx
import psutil
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from agents.health import Condition, Heart
from agents.metrics import agent_metrics
from market.clock import WallClock
from market.metrics import Collect, gauge, registry_of, serve_metrics
from spark_jobs.job_health import HealthLedger, JobHealth, JobState
from spark_jobs.metrics import driver_metrics
from stack.home import Home
from stack.metrics import supervisor_metrics
from stack.platform import AGENTS, MEASURED, metrics_port
from stack.ports import free_port
from stack.processes.records import Record
from stack.settings import StackSettings
from tests.api.fakes import FakeStore, serving

Samples = dict[tuple[str, tuple[str, ...]], float]


def parsed(text: str) -> Samples:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def told(collect: Collect) -> Samples:
    return parsed(generate_latest(registry_of(collect)).decode())


def test_a_process_answers_on_loopback_with_its_own_memory():
    port = free_port()
    serve_metrics(port, lambda: [gauge("test_number", "A number.", 7.5)])
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)
    found = parsed(answer.text)
    assert found["cryptoviz_test_number", ()] == 7.5
    assert found["process_resident_memory_bytes", ()] > 1_000_000


def test_a_taken_port_is_said_and_no_port_is_served_where_none_is_wanted(monkeypatch):
    said: list[str] = []
    monkeypatch.setattr("market.metrics.log.warning", lambda event, **_: said.append(event))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        serve_metrics(taken.getsockname()[1])
    serve_metrics(0)
    assert said == ["metrics_not_served"]


class FakePublisher:
    acknowledged, pending, waits = 12, 3, 1

    async def publish(self, _kind: object, _records: object) -> list[object]:
        return []


def a_heart(**condition: object) -> Heart:
    intake = SimpleNamespace(
        publisher=FakePublisher(),
        counters=SimpleNamespace(accepted=9, duplicate=2, rejected=1, passed_over=0, torn_fills=0),
        newest_observed_ms=1,
        newest_lag_ms=1_500,
    )
    use = SimpleNamespace(minute_left=None, month_left=40, month_projected=None)
    return Heart(
        "rss",
        intake=intake,
        clock=WallClock(),
        condition=lambda: Condition(**condition),
        budget=SimpleNamespace(use=lambda: use),
    )


async def test_an_agent_tells_its_last_heartbeat_its_queue_and_how_often_it_asked():
    heart = a_heart(degraded_because="x", breaker="open", silent_symbols=("A", "B"), open_gaps=4)
    collect = agent_metrics(heart, FakePublisher(), SimpleNamespace(asked=6))
    assert ("cryptoviz_agent_open_gaps", ()) not in told(collect), "not before a heartbeat"
    await heart.beat()
    found = told(collect)
    assert found["cryptoviz_agent_records_total", ("accepted",)] == 9
    assert found["cryptoviz_agent_state", ("degraded",)] == 1
    assert found["cryptoviz_agent_state", ("running",)] == 0
    assert found["cryptoviz_agent_breaker", ("open",)] == 1
    assert found["cryptoviz_agent_silent_markets", ()] == 2
    assert found["cryptoviz_agent_lag_seconds", ()] == 1.5
    assert found["cryptoviz_agent_month_calls_left", ()] == 40
    assert found["cryptoviz_agent_queue_records", ()] == 3
    assert found["cryptoviz_agent_asked_total", ()] == 6


def test_the_driver_tells_each_query_and_leaves_out_what_it_does_not_know():
    job = JobHealth("candles")
    job.state, job.restarts, job.batches_in_all, job.records_in_all = "waiting", 2, 5, 70
    ledger = HealthLedger([job], ends=None, ledger=None, bucket="")
    known = dict.fromkeys(JobState.__dataclass_fields__) | {"lag_records": 11}
    ledger.states = {"candles": JobState(**known)}
    found = told(driver_metrics(ledger))
    assert found["cryptoviz_job_records_total", ("candles",)] == 70
    assert found["cryptoviz_job_restarts_total", ("candles",)] == 2
    assert found["cryptoviz_job_state", ("candles", "waiting")] == 1
    assert found["cryptoviz_job_lag_records", ("candles",)] == 11
    assert ("cryptoviz_job_watermark_delay_seconds", ("candles",)) not in found


def test_the_supervisor_tells_which_process_lives_and_what_it_takes(tmp_path):
    home = Home(tmp_path)
    home.make()
    for name, pid in (("api", psutil.Process().pid), ("web", 2**22 + 1)):
        born_s = psutil.Process().create_time()
        record = Record(name, pid, born_s, str(tmp_path), "running", 3, 1.0, None)
        record.write(home.run)
    found = told(supervisor_metrics(home))
    assert found["cryptoviz_process_up", ("web",)] == 0
    assert found["cryptoviz_process_restarts_total", ("api",)] == 3
    assert found["cryptoviz_process_resident_bytes", ("web",)] == 0


async def test_the_api_counts_requests_by_route_and_never_by_path():
    async with serving(FakeStore()) as client:
        for path in ("/coins/bitcoin", "/coins/doge", "/nothing/here", "/nowhere"):
            await client.get(path)
        await client.request("BREW", "/coins")
        answer = await client.get("/metrics")
        schema = await client.get("/openapi.json")
    found = parsed(answer.text)
    name = "cryptoviz_api_requests_total"
    assert found[name, ("GET", "/coins/{coin_id}", "200")] == 1
    assert found[name, ("GET", "/coins/{coin_id}", "404")] == 1
    assert found[name, ("GET", "none", "404")] == 2
    assert {key[1][0] for key in found if key[0] == name} == {"GET", "none"}
    assert found["cryptoviz_api_request_seconds_count", ("/coins/{coin_id}",)] == 2
    assert "/metrics" not in schema.json()["paths"]


@pytest.mark.parametrize(
    ("first", "ports"), [(9_000, range(9_000, 9_000 + len(MEASURED))), (0, [0])]
)
def test_each_measured_process_has_a_port_of_its_own_and_none_where_it_is_0(first, ports):
    settings = StackSettings(metrics_first_port=first)
    assert {metrics_port(settings, name) for name in MEASURED} == set(ports)
    assert {"supervisor", "spark", *AGENTS} <= set(MEASURED)
    assert metrics_port(settings, "submitted") == 0
