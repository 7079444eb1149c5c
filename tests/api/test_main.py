"""The process as the stack runs it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
# A start under load takes some seconds; this is only how long a failure takes to show.
PATIENCE_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(**facts: str) -> dict[str, str]:
    nobody = f"127.0.0.1:{free_port()}"
    inherited = {name: text for name, text in os.environ.items() if "CRYPTOVIZ_" not in name}
    return (
        inherited
        | {
            "CRYPTOVIZ_INFLUX_URL": f"http://{nobody}",
            "CRYPTOVIZ_INFLUX_READ_TOKEN": "a-secret",
            "CRYPTOVIZ_KAFKA_BOOTSTRAP": nobody,
            "CRYPTOVIZ_LOG_JSON": "true",
        }
        | facts
    )


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    """`python -m api` with everything it needs down."""
    port, log = free_port(), tmp_path / "api.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "api"],
            cwd=ROOT,
            env=environment(CRYPTOVIZ_API_PORT=str(port)),
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    yield process, f"http://127.0.0.1:{port}", log
    process.kill()
    process.wait()


def first_answer(url: str) -> httpx.Response:
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return httpx.get(f"{url}/health", timeout=10)
        except httpx.ConnectError:
            assert time.monotonic() < deadline_s
            time.sleep(0.1)


@pytest.mark.integration
def test_with_everything_down_it_serves_health_and_problems_and_stops_cleanly(served):
    process, url, log = served
    health = first_answer(url)
    assert health.status_code == 503
    up = {part["name"]: part["is_up"] for part in health.json()["data"]["parts"]}
    assert up == {"kafka": False, "influxdb": False, "prices": False, "trades": False}
    coins = httpx.get(f"{url}/coins", timeout=10)
    assert coins.status_code == 503
    assert int(coins.headers["retry-after"]) > 0
    assert "server" not in coins.headers

    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    written = log.read_text("utf-8")
    assert '"event": "api_starting"' in written
    assert "a-secret" not in written
    assert "Traceback" not in written


@pytest.mark.integration
def test_every_wrong_setting_is_named_before_anything_starts():
    told = environment(CRYPTOVIZ_API_PORT="99999", CRYPTOVIZ_INFLUX_TIMEOUT_S="0")
    del told["CRYPTOVIZ_INFLUX_READ_TOKEN"]
    done = subprocess.run(
        [sys.executable, "-m", "api"],
        cwd=ROOT,
        env=told,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    for name in ("API_PORT", "INFLUX_TIMEOUT_S", "INFLUX_READ_TOKEN"):
        assert f"CRYPTOVIZ_{name}:" in done.stderr
