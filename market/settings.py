"""Settings that every process shares. Each process extends this with its own, reads it once in
`main`, and prints every wrong field at once."""

import sys
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_PREFIX = "CRYPTOVIZ_"


class PlatformSettings(BaseSettings):
    """Where the platform's parts are. Environment names are these in capitals after CRYPTOVIZ_."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="ignore")

    home: Annotated[Path, Field(description="State of this run: logs, checkpoints, locks.")] = Path(
        "var/live"
    )
    clock_file: Annotated[
        Path | None, Field(description="The demo's clock.json; unset means real time.")
    ] = None
    kafka_bootstrap: Annotated[str, Field(description="host:port of a broker.")] = "127.0.0.1:9092"
    metrics_port: Annotated[
        int,
        Field(ge=0, le=65_535, description="Port of its Prometheus text on 127.0.0.1; 0: none."),
    ] = 0
    log_json: Annotated[bool, Field(description="JSON log lines instead of readable ones.")] = False


class InfluxReadSettings(PlatformSettings):
    """For processes that read the store."""

    influx_url: Annotated[str, Field(description="InfluxDB 2 address.")] = "http://127.0.0.1:8086"
    influx_org: Annotated[str, Field(description="InfluxDB organisation.")] = "cryptoviz"
    influx_bucket: Annotated[
        str, Field(description="Bucket of external and batch rows and the ledger.")
    ] = "cryptoviz"
    influx_speed_bucket: Annotated[
        str, Field(description="Bucket of the speed layer, with a retention.")
    ] = "cryptoviz_speed"
    influx_seconds_bucket: Annotated[
        str, Field(description="Bucket of bars of one second, kept for two days.")
    ] = "cryptoviz_seconds"
    influx_read_token: Annotated[SecretStr, Field(description="Read-only token.")]


class InfluxWriteSettings(PlatformSettings):
    """For processes that write the store."""

    influx_url: str = "http://127.0.0.1:8086"
    influx_org: str = "cryptoviz"
    influx_bucket: str = "cryptoviz"
    influx_speed_bucket: str = "cryptoviz_speed"
    influx_seconds_bucket: str = "cryptoviz_seconds"
    influx_write_token: Annotated[SecretStr, Field(description="Write-only token.")]


S = TypeVar("S", bound=PlatformSettings)


def read_settings(kind: type[S]) -> S:
    """Settings from the environment; on error names every wrong one and exits with 2."""
    try:
        return kind()
    except ValidationError as error:
        for problem in error.errors():
            name = ENV_PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
            sys.stderr.write(f"{name}: {problem['msg']}\n")
        sys.stderr.write("Set these in the environment or in .env; see .env.example.\n")
        raise SystemExit(2) from None
