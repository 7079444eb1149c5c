"""Answers as bytes: orjson, with times as RFC 3339 in UTC with milliseconds."""

import orjson
from fastapi import Response
from pydantic import BaseModel

MEDIA_TYPE = "application/json"


def encoded(model: BaseModel) -> bytes:
    """A model as JSON, fields by their aliases."""
    return orjson.dumps(model.model_dump(mode="json", by_alias=True))


def answer(
    model: BaseModel, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A model as a response."""
    return Response(encoded(model), status, headers=headers, media_type=MEDIA_TYPE)
