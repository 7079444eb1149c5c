"""Settings of the Spark driver and of each job alone."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from market.clock import ConvertibleClock, open_clock
from market.settings import InfluxWriteSettings
from spark_jobs import JOBS

TRIGGER_MS = 500
WATERMARK_DELAY_S = 30
# In a demo three real seconds of disorder are that many scenario seconds.
DEMO_DISORDER_S = 3


class SparkSettings(InfluxWriteSettings):
    """What the queries need to know."""

    spark_trigger_ms: Annotated[
        int,
        Field(
            ge=50,
            description="Pause between micro-batches of prices and candles, ms; others scale.",
        ),
    ] = TRIGGER_MS
    spark_max_offsets_per_trigger: Annotated[
        int, Field(ge=1_000, description="Most records of one micro-batch while catching up.")
    ] = 1_000_000

    spark_jobs: Annotated[
        str, Field(description="Jobs of this driver, separated by commas; all if empty.")
    ] = ""
    spark_checkpoints: Annotated[
        str, Field(description="Folder of the checkpoints, relative to the home or absolute.")
    ] = "checkpoints"

    archive_folder: Annotated[
        str, Field(description="Folder of the archive, relative to the home or absolute.")
    ] = "archive"

    @property
    def archive(self) -> Path:
        """Folder of the Delta table with every record of the agents."""
        return self.home / self.archive_folder

    @field_validator("spark_jobs")
    @classmethod
    def _known_jobs(cls, named: str) -> str:
        unknown = [name for name in _split(named) if name not in JOBS]
        if unknown:
            raise ValueError(f"unknown: {', '.join(unknown)}; jobs: {', '.join(JOBS)}")
        return named

    @property
    def jobs(self) -> tuple[str, ...]:
        """Names of the jobs that this driver runs, in the order of their start."""
        chosen = _split(self.spark_jobs)
        return tuple(name for name in JOBS if not chosen or name in chosen)

    @property
    def checkpoints(self) -> Path:
        """Folder of all checkpoints of this driver."""
        return self.home / self.spark_checkpoints

    def clock(self) -> ConvertibleClock:
        """The platform's clock."""
        return open_clock(self.clock_file)

    def watermark_delay_s(self) -> int:
        """How late an event may be, in event seconds."""
        return max(WATERMARK_DELAY_S, round(DEMO_DISORDER_S * self.clock().speed))


def _split(named: str) -> list[str]:
    return [name.strip() for name in named.split(",") if name.strip()]
