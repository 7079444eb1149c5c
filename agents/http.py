"""HTTP for sources: retries inside, a circuit breaker outside, one place where status is judged.

`Retryable` means wait and ask again, `Fatal` that this host will not serve us before a setting
changes (the breaker opens at once), `RequestRefused` that only this request cannot succeed.
Timeouts, retries and breakers go by real time, also in a demo.
"""

import asyncio
import random
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import httpx
import pybreaker
import stamina
import structlog

from agents.addresses import MOST_REDIRECTS, Gate, place
from agents.budget import BudgetSpent, Spending, Unlimited
from agents.settings import AgentSettings
from agents.source import Request, Response
from agents.verdict import RequestRefused, verdict
from agents.websocket import is_loopback
from market.clock import Clock, WallClock
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
    """Real HTTP: bounded in time, and in memory also where a small body unpacks to a large one.

    Goes only where the gate lets it, to the very address that the gate has judged. Redirects are
    followed to public addresses, and never take a key to another host.
    """

    def __init__(self, settings: AgentSettings) -> None:
        self._cap = settings.body_cap_bytes
        self._total_s = settings.total_timeout_s
        self._timeout = httpx.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s)
        self._gate = Gate(settings.upstream_only)
        self._tls = httpx.create_ssl_context()
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def send(self, request: Request) -> Response:
        """One GET. Raises Retryable, and Fatal where the address may not be asked."""
        try:
            async with asyncio.timeout(self._total_s):
                return await self._follow(request)
        except TimeoutError:
            raise Retryable(f"{request.url}: no whole answer in {self._total_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Retryable(f"{request.url}: {type(error).__name__} {error}") from error
        except zlib.error as error:
            raise Retryable(f"{request.url}: damaged gzip: {error}") from error

    async def _follow(self, request: Request) -> Response:
        first = url = httpx.URL(request.url).copy_merge_params(request.params)
        for redirects in range(MOST_REDIRECTS + 1):
            headers = request.headers if place(url) == place(first) else {}
            response, target = await self._once(
                request, url, headers=headers, is_redirect=redirects > 0
            )
            if target is None:
                return response
            if url.scheme == "https" and target.scheme != "https":
                raise Fatal(f"{request.url} redirects to {target.host} without TLS")
            url = target
        raise Fatal(f"{request.url} redirects more than {MOST_REDIRECTS} times")

    async def _once(
        self, request: Request, url: httpx.URL, *, headers: Mapping[str, str], is_redirect: bool
    ) -> tuple[Response, httpx.URL | None]:
        """One answer, and where it points to if it is a redirect."""
        address = await self._gate.address(url, is_redirect=is_redirect)
        pinned = url if address is None else url.copy_with(host=address)
        own = {**headers, "Host": url.netloc.decode("ascii")}
        async with self._client(url).stream(
            "GET", pinned, headers=own, extensions={"sni_hostname": url.host}
        ) as answer:
            names = {name.lower(): text for name, text in answer.headers.items()}
            if answer.has_redirect_location:
                return Response(request, answer.status_code, b"", names), url.join(
                    names["location"]
                )
            return Response(request, answer.status_code, await self._body(answer), names), None

    def _client(self, url: httpx.URL) -> httpx.AsyncClient:
        """One a host and port: two hosts at one address must not share a TLS connection."""
        client = self._clients.get(place(url))
        if client is None:
            client = self._clients[place(url)] = httpx.AsyncClient(
                timeout=self._timeout,
                # gzip only: we unpack it ourselves, never more than the cap.
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
                follow_redirects=False,
                verify=self._tls,
                trust_env=not is_loopback(str(url)),  # a proxy cannot reach our simulator
            )
        return client

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
        for client in self._clients.values():
            await client.aclose()


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
        exclude=[RequestRefused, BudgetSpent],
        throw_new_error_on_trip=False,
    )


class Upstream:
    """One host: `fetch` is the only way to it."""

    def __init__(
        self,
        transport: Transport,
        *,
        breaker: pybreaker.CircuitBreaker,
        names: SettingNames,
        budget: Spending | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._transport = transport
        self._names = names
        self._budget = budget or Unlimited()
        self._clock = clock or WallClock()
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

    @property
    def state(self) -> str:
        """closed, half_open or open."""
        if self.breaker.current_state == pybreaker.STATE_OPEN and _now_s() >= self._open_until_s:
            return "half_open"  # the next request is its trial
        return str(self.breaker.current_state).replace("-", "_")

    def _open_for_long(self, error: Fatal) -> None:
        self.off_because = str(error)
        self.breaker.reset_timeout = OPEN_AFTER_FATAL_S
        self.breaker.open()
        self._open_until_s = _now_s() + OPEN_AFTER_FATAL_S
        log.error("upstream_off", host=self.breaker.name, why=str(error))

    async def _with_retries(self, request: Request) -> Response:
        async for attempt in _attempts():
            with attempt:
                await self._budget.take(request.cost)
                response = await self._transport.send(request)
                error = verdict(
                    response,
                    url_setting=self._names.url,
                    key_setting=self._names.key,
                    now_ms=self._clock.now_ms(),
                    speed=self._clock.speed,
                )
                if error is not None:
                    raise error
                return response
        raise AssertionError("stamina gives an answer or raises")


class Hosts:
    """All hosts of one source: each has a breaker of its own, so one feed does not stop another."""

    def __init__(
        self,
        transport: Transport,
        *,
        names: SettingNames,
        budget_of: Callable[[str], Spending],
        clock: Clock,
    ) -> None:
        self._transport = transport
        self._names = names
        self._budget_of = budget_of
        self._clock = clock
        self._upstreams: dict[str, Upstream] = {}

    async def fetch(self, request: Request) -> Response:
        """A good answer of the request's host. Raises as `Fetch`."""
        return await self.of(request.url).fetch(request)

    def of(self, url: str) -> Upstream:
        """The upstream of a URL's host and port."""
        host = place(httpx.URL(url))
        found = self._upstreams.get(host)
        if found is None:
            found = self._upstreams[host] = Upstream(
                self._transport,
                breaker=new_breaker(host),
                names=self._names,
                budget=self._budget_of(host),
                clock=self._clock,
            )
        return found

    @property
    def state(self) -> str:
        """The worst breaker's state."""
        states = {upstream.state for upstream in self._upstreams.values()}
        return next((state for state in ("open", "half_open") if state in states), "closed")

    @property
    def off_because(self) -> str | None:
        """The permanent errors of hosts that are off."""
        found = [up.off_because for up in self._upstreams.values() if up.off_because]
        return "; ".join(found) or None

    @property
    def is_wholly_off(self) -> bool:
        """Whether no host is left that a setting does not keep away."""
        return bool(self._upstreams) and all(up.off_because for up in self._upstreams.values())


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
