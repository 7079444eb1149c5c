"""Settings of the `cryptoviz` command: ports, memory, where the state lives."""

import sys
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from market.settings import ENV_PREFIX

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"

Port = Annotated[int, Field(ge=1, le=65_535)]
Megabytes = Annotated[int, Field(ge=64)]


class StackSettings(BaseSettings):
    """What `up` needs to know. Names in the environment or in .env bear the prefix CRYPTOVIZ_."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_file=ROOT / ".env",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
    )

    home: Annotated[Path, Field(description="Folder of all state, logs and checkpoints.")] = Path(
        "var"
    )
    kafka_port: Annotated[Port, Field(description="Kafka's port.")] = 9092
    kafka_controller_port: Annotated[Port, Field(description="Kafka's controller port.")] = 9093
    influx_port: Annotated[Port, Field(description="InfluxDB's port.")] = 8086
    simulator_port: Annotated[Port, Field(description="The simulator's port, in a demo.")] = 8900
    api_port: Annotated[Port, Field(description="The API's port.")] = 8000
    web_port: Annotated[Port, Field(description="The viewer's port.")] = 3000
    metrics_first_port: Annotated[
        int,
        Field(
            ge=0,
            le=65_000,
            description="First of the ports with Prometheus text: supervisor, Spark, simulator, "
            "agents; 0 for none. The API's is its own /metrics.",
        ),
    ] = 9464
    kafka_heap_mb: Annotated[Megabytes, Field(description="Largest heap of Kafka, MB.")] = 512
    spark_driver_mb: Annotated[Megabytes, Field(description="Heap of Spark's driver, MB.")] = 1024
    influx_memory_mb: Annotated[
        Megabytes, Field(description="Memory that InfluxDB's collector aims at, MB.")
    ] = 512
    influx_query_mb: Annotated[
        Megabytes, Field(description="Most memory of one InfluxDB query, MB.")
    ] = 128
    influx_url: Annotated[
        str | None,
        Field(
            validation_alias=AliasChoices("INFLUX_URL", "CRYPTOVIZ_INFLUX_URL"),
            description="An InfluxDB that runs already; unset means that `up` starts one.",
        ),
    ] = None
    influx_read_token: Annotated[
        SecretStr | None, Field(description="Read token of that InfluxDB.")
    ] = None
    influx_write_token: Annotated[
        SecretStr | None, Field(description="Write token of that InfluxDB.")
    ] = None
    influx_org: Annotated[str, Field(description="InfluxDB organisation.")] = "cryptoviz"
    influx_bucket: Annotated[
        str, Field(description="Bucket of external and batch rows and the ledger.")
    ] = "cryptoviz"
    influx_speed_bucket: Annotated[
        str, Field(description="Bucket of the speed layer, with a retention when live.")
    ] = "cryptoviz_speed"
    influx_seconds_bucket: Annotated[
        str, Field(description="Bucket of bars of one second, kept for two days when live.")
    ] = "cryptoviz_seconds"

    @property
    def home_root(self) -> Path:
        """Absolute folder of all homes; relative settings count from the project."""
        return (ROOT / self.home).resolve()

    @property
    def kafka_bootstrap(self) -> str:
        """host:port of the broker."""
        return f"{HOST}:{self.kafka_port}"

    @property
    def influx_address(self) -> str:
        """Address of the InfluxDB in use."""
        return self.influx_url or f"http://{HOST}:{self.influx_port}"

    @property
    def api_address(self) -> str:
        """Address of the API."""
        return f"http://{HOST}:{self.api_port}"

    @property
    def web_address(self) -> str:
        """Address of the viewer."""
        return f"http://{HOST}:{self.web_port}"


def read_stack_settings() -> StackSettings:
    """Settings from the environment and .env; names every wrong one and exits with 2."""
    try:
        return StackSettings()
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"]).upper()
            sys.stderr.write(f"{ENV_PREFIX}{name.removeprefix(ENV_PREFIX)}: {problem['msg']}\n")
        raise SystemExit(2) from None
