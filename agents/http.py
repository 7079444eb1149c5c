"""HTTP for sources: retries inside, a circuit breaker outside, one place where status is judged.

`Retryable` means wait and ask again, `Fatal` that this host will not serve us before a setting
changes (the breaker opens at once), `RequestRefused` that only this request cannot succeed.
Timeouts, retries and breakers go by real time, also in a demo.
"""

import asyncio
import random
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import httpx
import pybreaker
import stamina
import structlog

from agents.settings import AgentSettings
from agents.source import Request, Response
from agents.verdict import RequestRefused, verdict
from agents.websocket import is_loopback
from market.errors import Fatal, Retryable
from market.settings import ENV_PREFIX

log = structlog.get_logger()

USER_AGENT = "cryptoviz/0.1"
ATTEMPTS = 4
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
# Asked to wait longer than this, the runner waits instead of the request, so that it can say so.
LONGEST_WAIT_INSIDE_S = 30.0
FAILURES_TO_OPEN = 3
OPEN_S = 30.0
# After a permanent error: half-open seldom, since only a person can mend it.
OPEN_AFTER_FATAL_S = 300.0


class Transport(Protocol):
    """Sends one request and reads the whole answer."""

    async def send(self, request: Request) -> Response:
        """Raises Retryable where no whole answer came."""


class Fetch(Protocol):
    """What runners see of an upstream."""

    async def fetch(self, request: Request) -> Response:
        """A good answer. Raises Retryable, Fatal or RequestRefused."""


class HttpxTransport:
    """Real HTTP: bounded in time, and in memory also where a small body unpacks to a large one."""

    def __init__(self, settings: AgentSettings, base_url: str) -> None:
        self._cap = settings.body_cap_bytes
        self._total_s = settings.total_timeout_s
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s),
            # gzip only: we unpack it ourselves, never more than the cap.
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
            follow_redirects=False,
            trust_env=not is_loopback(base_url),  # a proxy cannot reach our simulator
        )

    async def send(self, request: Request) -> Response:
        """One GET. Raises Retryable."""
        try:
            async with (
                asyncio.timeout(self._total_s),
                self._client.stream(
                    "GET", request.url, params=request.params, headers=request.headers
                ) as answer,
            ):
                body = await self._body(answer)
                headers = {name.lower(): text for name, text in answer.headers.items()}
                return Response(request, answer.status_code, body, headers)
        except TimeoutError:
            raise Retryable(f"{request.url}: no whole answer in {self._total_s:g} s") from None
        except httpx.HTTPError as error:
            raise Retryable(f"{request.url}: {type(error).__name__} {error}") from error
        except zlib.error as error:
            raise Retryable(f"{request.url}: damaged gzip: {error}") from error

    async def _body(self, answer: httpx.Response) -> bytes:
        encoding = answer.headers.get("content-encoding", "identity").lower()
        if encoding not in {"gzip", "identity"}:
            raise Retryable(f"{answer.url}: content encoding {encoding} was not asked for")
        unpack = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
        body = bytearray()
        async for chunk in answer.aiter_raw():
            body += chunk if unpack is None else unpack.decompress(chunk, self._cap + 1)
            if len(body) > self._cap:
                raise Retryable(f"{answer.url}: the body is larger than {self._cap} bytes")
        if unpack is not None and body and not unpack.eof:
            raise Retryable(f"{answer.url}: the gzip body was cut off")
        return bytes(body)

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()


@dataclass(frozen=True, slots=True)
class SettingNames:
    """Which environment variables an error tells a person to look at."""

    url: str
    key: str | None

    @classmethod
    def of(cls, url_setting: str, key_setting: str | None) -> "SettingNames":
        """From the fields of AgentSettings."""
        return cls(
            url=(ENV_PREFIX + url_setting).upper(),
            key=None if key_setting is None else (ENV_PREFIX + key_setting).upper(),
        )


def new_breaker(host: str) -> pybreaker.CircuitBreaker:
    """The circuit of one host."""
    return pybreaker.CircuitBreaker(
        name=host,
        fail_max=FAILURES_TO_OPEN,
        reset_timeout=OPEN_S,
        exclude=[RequestRefused],
        throw_new_error_on_trip=False,
    )


class Upstream:
    """One host: `fetch` is the only way to it."""

    def __init__(
        self, transport: Transport, *, breaker: pybreaker.CircuitBreaker, names: SettingNames
    ) -> None:
        self._transport = transport
        self._names = names
        self.breaker = breaker
        self.off_because: str | None = None
        """The permanent error that opened the breaker, None while there is none."""
        self._open_until_s = 0.0

    async def fetch(self, request: Request) -> Response:
        """A good answer. Raises as `Fetch`; an open breaker is Retryable."""
        try:
            with self.breaker.calling():
                response = await self._with_retries(request)
        except pybreaker.CircuitBreakerError:
            raise Retryable(
                f"{self.breaker.name} is off for now: {self.off_because or 'it kept failing'}",
                retry_after_s=max(self._open_until_s - _now_s(), 0.0),
            ) from None
        except RequestRefused:
            raise
        except Fatal as error:
            self._open_for_long(error)
            raise
        except Retryable:
            if self.breaker.current_state == pybreaker.STATE_OPEN:
                self._open_until_s = _now_s() + self.breaker.reset_timeout
            raise
        if self.off_because is not None:
            self.off_because = None
            self.breaker.reset_timeout = OPEN_S
        return response

    def _open_for_long(self, error: Fatal) -> None:
        self.off_because = str(error)
        self.breaker.reset_timeout = OPEN_AFTER_FATAL_S
        self.breaker.open()
        self._open_until_s = _now_s() + OPEN_AFTER_FATAL_S
        log.error("upstream_off", host=self.breaker.name, why=str(error))

    async def _with_retries(self, request: Request) -> Response:
        async for attempt in _attempts():
            with attempt:
                response = await self._transport.send(request)
                error = verdict(response, url_setting=self._names.url, key_setting=self._names.key)
                if error is not None:
                    raise error
                return response
        raise AssertionError("stamina gives an answer or raises")


class ByHost:
    """The upstreams of a source that asks several hosts, such as feeds: each has its own breaker,
    so that one which is down takes no other with it."""

    def __init__(self, new_upstream: Callable[[str], Fetch]) -> None:
        self._new_upstream = new_upstream
        self._upstreams: dict[str, Fetch] = {}

    async def fetch(self, request: Request) -> Response:
        """A good answer of the request's host. Raises as `Fetch`."""
        host = urlsplit(request.url).netloc
        if host not in self._upstreams:
            self._upstreams[host] = self._new_upstream(host)
        return await self._upstreams[host].fetch(request)


def _now_s() -> float:
    """The event loop's real time, seconds."""
    return asyncio.get_running_loop().time()


def _attempts() -> AsyncIterator[stamina.Attempt]:
    return aiter(
        stamina.retry_context(
            on=wait_before_retry,
            attempts=ATTEMPTS,
            timeout=None,
            wait_initial=FIRST_WAIT_S,
            wait_max=LONGEST_WAIT_S,
            wait_jitter=FIRST_WAIT_S,
        )
    )


def wait_before_retry(error: Exception) -> bool | float:
    """Seconds where the other side named a time, True for our own backoff, False to stop."""
    if not isinstance(error, Retryable):
        return False
    if error.retry_after_s is None:
        return True
    if error.retry_after_s > LONGEST_WAIT_INSIDE_S:
        return False
    # Jitter on top, never below: everybody was told the same second.
    return error.retry_after_s + random.uniform(0, FIRST_WAIT_S)  # noqa: S311 - no secret
