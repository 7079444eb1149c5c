"""The OpenAPI document, committed as `api/openapi.json`: the viewer's types are made of it."""

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from api.problems import MEDIA_TYPE

PATH = Path(__file__).with_name("openapi.json")
PROBLEM_SCHEMA = "#/components/schemas/ProblemDetails"


def document_problems(app: FastAPI) -> None:
    """Let the document say that errors are problem documents, under their own media type."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        document = original()
        for path in document["paths"].values():
            for operation in path.values():
                for response in operation["responses"].values():
                    _name_problem(response)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _name_problem(response: dict[str, Any]) -> None:
    content = response.get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if schema.get("$ref") == PROBLEM_SCHEMA:
        content[MEDIA_TYPE] = content.pop("application/json")


def rendered(app: FastAPI) -> str:
    """The document as it is committed."""
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"
