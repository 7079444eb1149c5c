"""InfluxDB of a proof: in the proof's home, on a free port, set up as `up` does."""

from collections.abc import Iterator
from contextlib import contextmanager

from stack.console import StepBoard
from stack.home import Home
from stack.parts.influxd import influxd_binary
from stack.parts.table import INFLUXD
from stack.processes.influxd import FOR_EVER, Buckets, InfluxAccess, InfluxServer
from stack.settings import StackSettings
from stack.supervisor import Supervisor

READY_S = 60.0


@contextmanager
def running_influx(
    home: Home, board: StepBoard, settings: StackSettings, supervisor: Supervisor
) -> Iterator[InfluxAccess]:
    """Access to it while the context lives. Raises Failure where it does not start."""
    server = InfluxServer(
        home.path / "influxdb",
        influxd_binary(INFLUXD, board.step("get InfluxDB")),
        port=settings.influx_port,
        memory_mb=settings.influx_memory_mb,
        query_mb=settings.influx_query_mb,
    )
    supervisor.start(server.command())
    try:
        supervisor.wait_ready("influxd", step=board.step("influxd"), timeout_s=READY_S)
        yield server.set_up(
            Buckets(
                org=settings.influx_org,
                main=settings.influx_bucket,
                speed=settings.influx_speed_bucket,
                seconds=settings.influx_seconds_bucket,
                speed_retention_s=FOR_EVER,
                seconds_retention_s=FOR_EVER,
            )
        )
    finally:
        supervisor.stop_all((("influxd",),))
