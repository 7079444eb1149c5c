"""The connection to InfluxDB: one query in, tables out, every failure a StoreUnavailable."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import structlog
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.rest import ApiException
from influxdb_client.service.ping_service import PingService

from market.errors import StoreUnavailable
from market.store.annotated import QueryFailed, Table, read_tables
from market.store.rows import StoreStatus

Parameter = str | int | datetime | timedelta

# 400 is a query that cannot be right, which is our bug. All else (no such bucket yet, a token of
# an earlier set-up, overload, shutting down) can pass without a change here.
BAD_QUERY = 400
# Above this many characters parsing takes long enough to be noticed by other requests.
PARSE_IN_THREAD_FROM = 100_000

log = structlog.get_logger()


def instant(at_ms: int) -> datetime:
    """A time as a parameter."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


class FluxClient:
    """Runs the constants of `flux.py`."""

    def __init__(self, client: InfluxDBClientAsync) -> None:
        self._client = client
        self._queries = client.query_api()

    async def tables(self, query: str, **parameters: Parameter) -> list[Table]:
        """The tables of a query. Raises StoreUnavailable."""
        body = await self._body(query, parameters)
        try:
            if len(body) < PARSE_IN_THREAD_FROM:
                return list(read_tables(body))
            return await asyncio.to_thread(lambda: list(read_tables(body)))
        except QueryFailed as error:
            raise StoreUnavailable(str(error)) from error

    async def _body(self, query: str, parameters: dict[str, Parameter]) -> str:
        try:
            try:
                return await self._raw(query, parameters)
            except aiohttp.ClientConnectorError:
                raise
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                # A kept connection that died with the server's last restart; reading twice is safe.
                return await self._raw(query, parameters)
        except TimeoutError as error:
            raise StoreUnavailable("InfluxDB took too long to answer") from error
        except aiohttp.ClientError as error:
            raise StoreUnavailable(f"InfluxDB cannot be reached: {error}") from error
        except ApiException as error:
            raise _refusal(error) from error

    async def _raw(self, query: str, parameters: dict[str, Parameter]) -> str:
        body: str = await self._queries.query_raw(query, params=parameters)
        return body

    async def status(self) -> StoreStatus:
        """Asks `/ping`. Raises StoreUnavailable."""
        started_at_s = time.perf_counter()
        pings: Any = PingService(self._client.api_client)  # type: ignore[no-untyped-call]
        try:
            answered = await pings.get_ping_async(_return_http_data_only=False)
        except (TimeoutError, aiohttp.ClientError, ApiException) as error:
            raise StoreUnavailable(f"InfluxDB does not answer /ping: {error}") from error
        version = pings.response_header(answered)
        latency_ms = (time.perf_counter() - started_at_s) * 1000
        return StoreStatus(latency_ms=round(latency_ms, 3), version=str(version).removeprefix("v"))


def _refusal(error: ApiException) -> Exception:
    """What an HTTP error of the database means to the caller."""
    if error.status == BAD_QUERY:
        return error
    log.warning("query_refused", status=error.status, detail=str(error.message))
    headers: Mapping[str, str] = error.headers or {}
    waits = headers.get("Retry-After", "")
    retry_after_s = float(waits) if waits.isdigit() else None
    return StoreUnavailable(f"InfluxDB answered {error.status}", retry_after_s=retry_after_s)
