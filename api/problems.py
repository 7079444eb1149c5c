"""Errors of the API: classes that carry their status, answered as RFC 9457 problem details.

A body names what the caller can change and nothing about our inside: no stack, no address, no
query. The same classes make the error answers of the OpenAPI document.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from api.security_headers import SECURITY_HEADERS
from market.errors import StoreUnavailable

MEDIA_TYPE = "application/problem+json"
# InfluxDB restarts in about a second under supervision; asking sooner only adds load.
STORE_RETRY_AFTER_S = 5

log = structlog.get_logger()


class FieldProblem(BaseModel):
    """One wrong parameter."""

    parameter: str
    detail: str


class ProblemDetails(BaseModel):
    """RFC 9457. Further members, such as `limit`, belong to the type of the problem."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Names the kind of problem; the same for every occurrence.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="HTTP status.")
    detail: str = Field(description="What is wrong this time and what to do.")
    instance: str = Field(description="Path of the request.")
    limit: int | float | str | None = Field(default=None, description="The limit that was passed.")
    errors: list[FieldProblem] | None = Field(default=None, description="Every wrong parameter.")


class Problem(Exception):  # noqa: N818
    """Base of all answers that are errors."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self, detail: str, *, headers: Mapping[str, str] | None = None, **members: object
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members


class NotFound(Problem):
    """There is no such coin, market or path."""

    status = 404
    slug = "not-found"
    title = "Not found"


class InvalidRequest(Problem):
    """A parameter is wrong or asks for too much."""

    status = 422
    slug = "invalid-request"
    title = "Invalid request"


class StoreDown(Problem):
    """InfluxDB does not answer; the same request may succeed after `Retry-After` seconds."""

    status = 503
    slug = "store-unavailable"
    title = "Store unavailable"


PROBLEMS: tuple[type[Problem], ...] = (NotFound, InvalidRequest, StoreDown)


def responses(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: the errors it can answer with."""
    return {
        problem.status: {"model": ProblemDetails, "description": problem.title}
        for problem in problems
    }


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(StoreUnavailable, _on_store_unavailable)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_bug)


def _answer(request: Request, problem: Problem, *, title: str = "", status: int = 0) -> Response:
    status = status or problem.status
    document = {
        "type": f"urn:cryptoviz:problem:{problem.slug}",
        "title": title or problem.title,
        "status": status,
        "detail": problem.detail,
        "instance": request.url.path,
        **problem.members,
    }
    return Response(orjson.dumps(document), status, headers=problem.headers, media_type=MEDIA_TYPE)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 -- Starlette hands over what was registered
    return _answer(request, error)


async def _on_store_unavailable(request: Request, error: Exception) -> Response:
    wait_s = getattr(error, "retry_after_s", None) or STORE_RETRY_AFTER_S
    log.warning("store_unavailable", path=request.url.path, error=str(error))
    problem = StoreDown(
        "The database does not answer at the moment. Try again shortly.",
        headers={"Retry-After": str(max(1, round(wait_s)))},
    )
    return _answer(request, problem)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- as above
    found = error.errors()
    members: dict[str, Any] = {"errors": [_field_problem(one) for one in found]}
    limits = [limit for one in found if (limit := _limit(one)) is not None]
    if limits:  # several wrong parameters: a number says more than a list of words
        members["limit"] = next((one for one in limits if not isinstance(one, str)), limits[0])
    detail = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in found)
    return _answer(request, InvalidRequest(detail, **members))


def _field_problem(error: Mapping[str, Any]) -> dict[str, str]:
    return {"parameter": str(error["loc"][-1]), "detail": str(error["msg"])}


def _limit(error: Mapping[str, Any]) -> object:
    """The bound that a validation error names: `le`, `max_length`, the accepted words."""
    context: Mapping[str, object] = error.get("ctx") or {}
    names: Sequence[str] = ("le", "ge", "lt", "gt", "max_length", "min_length", "expected")
    return next((context[name] for name in names if name in context), None)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 -- as above
    if error.status_code == NotFound.status:
        return _answer(request, NotFound(f"There is nothing at {request.url.path}."))
    problem_type = type("HttpProblem", (Problem,), {"slug": f"http-{error.status_code}"})
    problem = problem_type(str(error.detail), headers=error.headers)
    return _answer(request, problem, title=str(error.detail), status=error.status_code)


async def _on_bug(request: Request, error: Exception) -> Response:
    log.error("unhandled_error", path=request.url.path, error=repr(error))
    detail = "Something broke on our side; it has been logged."
    return _answer(request, Problem(detail, headers=SECURITY_HEADERS))
