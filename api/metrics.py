"""Requests of the API for Prometheus, by route template, so that no path makes a label."""

import time

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from market.metrics import PREFIX, registry_of

router = APIRouter(include_in_schema=False)
UNKNOWN = "none"
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Requests:
    """What the process has answered."""

    def __init__(self) -> None:
        self.registry = registry_of()
        labels = ("method", "route", "status")
        self._answered = Counter(
            f"{PREFIX}api_requests", "Requests answered.", labels, registry=self.registry
        )
        self._seconds = Histogram(
            f"{PREFIX}api_request_seconds",
            "From the request to the end of its answer.",
            ("route",),
            buckets=BUCKETS_S,
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one."""
        known = method if method in METHODS else UNKNOWN
        self._answered.labels(known, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


class CountRequests:
    """Counts and times every request, also those that no route takes."""

    def __init__(self, app: ASGIApp, requests: Requests) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        began_s = time.perf_counter()

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        finally:
            spent_s = time.perf_counter() - began_s
            self._requests.answered(scope["method"], _route_of(scope), status, spent_s)


@router.get("/metrics")
async def get_metrics(request: Request) -> Response:
    """Prometheus text."""
    held: Requests = request.app.state.requests
    return Response(generate_latest(held.registry), media_type=CONTENT_TYPE_LATEST)


def _route_of(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", UNKNOWN))
