"""The shape of every answer: `data` and a `meta` that says how far to trust it."""

from datetime import UTC, datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema


def rfc3339(moment: datetime) -> str:
    """UTC with milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
"""A point in time; RFC 3339 UTC with milliseconds in JSON."""

Layer = Literal["speed", "external", "batch_a", "batch_b"]


class Answer(BaseModel):
    """Base of all response models: unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Segment(Answer):
    """A stretch of the answer that one layer gave."""

    layer: Layer
    run_id: str | None = Field(default=None, description="Batch run, null for the other layers.")
    from_: Moment = Field(alias="from", description="Inclusive.")
    to: Moment = Field(description="Exclusive.")


class Meta(Answer):
    """How old the answer is and where it comes from."""

    as_of: Moment | None = Field(description="Event time of the newest number in it; null if none.")
    is_stale: bool = Field(description="True when the newest number is older than it should be.")
    source: str | None = Field(description="Sources, comma-separated.")
    segments: list[Segment] = Field(default_factory=list)
    next: str | None = Field(default=None, description="Path of the next page.")


DataT = TypeVar("DataT")
MetaT = TypeVar("MetaT", bound=Meta)


class Envelope(Answer, Generic[DataT]):
    """`data` with `meta`."""

    data: DataT
    meta: Meta
