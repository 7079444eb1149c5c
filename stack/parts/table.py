"""The table of parts. InfluxDB may also be found elsewhere, see `stack.parts.influxd`."""

from typing import Protocol

from stack.console import Step
from stack.parts.cache import CachedPart
from stack.parts.influxd import make_influxd
from stack.parts.maven import jars_of
from stack.parts.web import WebPart
from stack.versions import DELTA, INFLUXDB, KAFKA, SPARK


class Part(Protocol):
    """Something that is fetched or built before the platform starts."""

    @property
    def name(self) -> str:
        """Its name in messages."""

    def fault(self) -> str | None:
        """What is wrong with it, None when it is whole."""

    def ensure(self, step: Step) -> object:
        """Make it where needed."""


KAFKA_JARS = CachedPart("kafka", KAFKA, needs_mb=300, make=jars_of("kafka"))
SPARK_JARS = CachedPart("spark", f"{SPARK}-delta-{DELTA}", needs_mb=200, make=jars_of("spark"))
INFLUXD = CachedPart("influxd", INFLUXDB, needs_mb=4_000, make=make_influxd)
WEB = WebPart()

PARTS: tuple[Part, ...] = (KAFKA_JARS, SPARK_JARS, INFLUXD, WEB)
