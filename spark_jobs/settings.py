"""Settings of the Spark driver and of each job alone."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from market.clock import Clock, open_clock
from market.settings import InfluxWriteSettings

WATERMARK_DELAY_S = 30
# In a demo three real seconds of disorder are that many scenario seconds.
DEMO_DISORDER_S = 3


class SparkSettings(InfluxWriteSettings):
    """What the queries need to know."""

    spark_trigger_ms: Annotated[
        int, Field(ge=50, description="Pause between micro-batches of prices and candles, ms.")
    ] = 500
    spark_max_offsets_per_trigger: Annotated[
        int, Field(ge=1_000, description="Most records of one micro-batch while catching up.")
    ] = 1_000_000

    spark_checkpoints: Annotated[
        str, Field(description="Folder of the checkpoints, relative to the home or absolute.")
    ] = "checkpoints"

    @property
    def checkpoints(self) -> Path:
        """Folder of all checkpoints of this driver."""
        return self.home / self.spark_checkpoints

    def clock(self) -> Clock:
        """The platform's clock."""
        return open_clock(self.clock_file)

    def watermark_delay_s(self) -> int:
        """How late an event may be, in event seconds."""
        return max(WATERMARK_DELAY_S, round(DEMO_DISORDER_S * self.clock().speed))
