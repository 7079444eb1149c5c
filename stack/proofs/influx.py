"""InfluxDB of a proof: in the proof's home, set up as `up` does it for a demo, and all it holds."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from stack.console import StepBoard
from stack.environment import buckets
from stack.home import Home
from stack.parts.influxd import influxd_binary
from stack.parts.table import INFLUXD
from stack.platform import Platform
from stack.processes.influxd import InfluxAccess
from stack.settings import StackSettings
from stack.supervisor import Supervisor

READY_S, ANSWER_S = 60.0, 120.0


@contextmanager
def running_influx(
    home: Home, board: StepBoard, settings: StackSettings, supervisor: Supervisor
) -> Iterator[InfluxAccess]:
    """Access to it while the context lives. Raises Failure where it does not start."""
    binary = influxd_binary(INFLUXD, board.step("get InfluxDB"))
    server = Platform(settings, home, None).influx_server(binary)
    supervisor.start(server.command())
    try:
        supervisor.wait_ready("influxd", step=board.step("influxd"), timeout_s=READY_S)
        # A proof's days are long past, as a demo's are.
        yield server.set_up(buckets(settings, is_demo=True))
    finally:
        supervisor.stop_all((("influxd",),))


def stored_rows(access: InfluxAccess, query: str) -> Iterator[dict[str, str]]:
    """Rows of a Flux query by column, as text. Raises httpx.HTTPError where there is no answer."""
    answer = httpx.post(
        f"{access.url}/api/v2/query",
        params={"org": access.org},
        headers={"Authorization": f"Token {access.read_token}"},
        json={"query": query, "dialect": {"annotations": []}},
        timeout=ANSWER_S,
        trust_env=False,
    )
    text = answer.raise_for_status().text.replace("\r\n", "\n").strip()
    # A table with other columns has a header of its own, after an empty line.
    for block in text.split("\n\n"):
        yield from csv.DictReader(block.splitlines())
