"""Faults on demand: the table of kinds, what one is asked to do, and the board of those that run.

A fault lasts for real seconds or for a number of occasions, whichever is given (both: whichever
ends first). An occasion is an answer, a connection or a frame. Which occasions it takes is decided
by its seed alone: frames by (seed, kind, symbol, trade id), whatever connection carries them, and
answers by their order. Every application is an entry of the log, so that a test knows the truth.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field

from simulator.seeded import stream

log = structlog.get_logger()

# Entries kept; older ones are counted as dropped.
LOG_ENTRIES = 100_000
DEFAULT_SEED = 7
MASK = 2**64 - 1

# Paths of each vendor. `/api/v3/ping` is not among them: `up` asks it whether we are ready.
VENDORS: Mapping[str, tuple[str, ...]] = {
    "coingecko": ("/api/v3/coins", "/api/v3/global"),
    "coinmarketcap": ("/v1/",),
    "binance": ("/api/v3/klines", "/api/v3/aggTrades", "/api/v3/exchangeInfo", "/api/v3/time"),
    "fear_greed": ("/fng",),
    "rss": ("/rss/",),
}
JSON_VENDORS = tuple(name for name in VENDORS if name != "rss")


class WrongFault(Exception):  # noqa: N818 - reads as what was asked for
    """The request names no fault that can be; the message says which part to change."""


class FaultRequest(BaseModel):
    """What is asked of a fault. Options that its kind does not name are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: str
    route: str | None = Field(None, description="A vendor, or a path such as /rss/coindesk.")
    symbol: str | None = Field(None, description="One market, such as BTCUSDT; all unless given.")
    seconds: float | None = Field(None, gt=0, le=86_400, description="Real seconds it lasts.")
    count: int | None = Field(None, ge=1, le=10**9, description="Occasions it takes.")
    seed: int = Field(DEFAULT_SEED, ge=0, le=2**63 - 1, description="Decides what it takes.")
    share: float = Field(1.0, gt=0, le=1, description="Share of the occasions that it takes.")
    status: int | None = Field(None, ge=200, le=599, description="HTTP status.")
    retry_after_s: int | None = Field(None, ge=0, le=10**9, description="Header Retry-After.")
    shape: int = Field(1, ge=1, le=4, description="CoinGecko's shape of an error body.")
    code: int | None = Field(None, description="The vendor's error code.")
    size_bytes: int = Field(1_000_000_000, ge=1, le=10**11, description="Size of a body.")
    declared: bool = Field(True, description="Whether Content-Length names the size.")
    bytes_per_s: float = Field(10.0, gt=0, le=10**9, description="Pace of a slow body.")
    cut: bool = Field(False, description="Cut the connection inside the body.")
    after_s: float | None = Field(None, ge=0, le=3_600, description="Real seconds until the cut.")
    within_ms: int = Field(500, ge=1, le=60_000, description="Scenario ms a frame may be late.")
    skew_ms: int = Field(3_600_000, description="Added to E and T of frames, ms.")
    also_rest: bool = Field(False, description="Whether REST lacks the skipped ids, too.")


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind. `reach`: an HTTP answer, a connection of the stream, or its frames."""

    name: str
    reach: Literal["http", "socket", "frames"]
    summary: str
    options: tuple[str, ...] = ()
    vendors: tuple[str, ...] = tuple(VENDORS)
    seconds: float | None = None
    """How long it lasts where the request says neither seconds nor count; else one occasion."""
    share: float = 1.0


FAULTS: tuple[FaultKind, ...] = (
    FaultKind(
        "status_429", "http", "too many requests, with or without Retry-After", ("retry_after_s",)
    ),
    FaultKind("status_418", "http", "banned for not heeding 429", ("retry_after_s",)),
    FaultKind("status_451", "http", "refused by location"),
    FaultKind("status_5xx", "http", "the vendor is broken", ("status", "retry_after_s")),
    FaultKind("slow_body", "http", "a body that drips", ("bytes_per_s",)),
    FaultKind("huge_body", "http", "a body of 1 GB", ("size_bytes", "declared")),
    FaultKind("gzip_bomb", "http", "a small gzip of 1 GB", ("size_bytes",)),
    FaultKind("html_200", "http", "a page for people with status 200"),
    FaultKind("truncated_json", "http", "a body that ends in its middle", ("cut",)),
    FaultKind("wrong_json", "http", "JSON of another form", vendors=JSON_VENDORS),
    FaultKind("vendor_error", "http", "the vendor's own error body", ("shape", "code", "status")),
    FaultKind("xml_bomb", "http", "entities that grow without end", vendors=("rss",)),
    FaultKind("feed_junk", "http", "a feed with junk after its root", vendors=("rss",)),
    FaultKind("socket_cut", "socket", "the connection is reset", ("after_s",)),
    FaultKind("socket_silent", "socket", "a half-open connection: neither frame, pong nor close"),
    FaultKind(
        "server_shutdown", "socket", "serverShutdown is announced, then the cut", ("after_s",)
    ),
    FaultKind("symbol_silent", "frames", "a market says nothing", seconds=30.0),
    FaultKind("skip_ids", "frames", "ids are left out", ("also_rest",), seconds=30.0, share=0.01),
    FaultKind("duplicate", "frames", "trades are sent twice", seconds=30.0, share=0.2),
    FaultKind(
        "reorder", "frames", "trades come late, so out of order", ("within_ms",), seconds=30.0,
        share=0.3,
    ),
    FaultKind("clock_skew", "frames", "E and T are wrong", ("skew_ms",), seconds=30.0),
)  # fmt: skip
BY_NAME = {kind.name: kind for kind in FAULTS}
# Options that each reach takes whatever its kind.
COMMON = {
    "http": {"kind", "route", "seconds", "count", "seed", "share"},
    "socket": {"kind", "seconds", "count", "seed", "share"},
    "frames": {"kind", "symbol", "seconds", "count", "seed", "share"},
}


def vendor_of(path: str) -> str | None:
    """The vendor whose path it is."""
    return next((name for name, prefixes in VENDORS.items() if path.startswith(prefixes)), None)


def checked(request: FaultRequest) -> FaultKind:
    """The kind of a request that can be done. Raises WrongFault."""
    kind = BY_NAME.get(request.kind)
    if kind is None:
        raise WrongFault(f"no fault {request.kind}; known: {', '.join(BY_NAME)}")
    allowed = COMMON[kind.reach] | set(kind.options)
    unknown = request.model_fields_set - allowed
    if unknown:
        raise WrongFault(
            f"{kind.name} has no {', '.join(sorted(unknown))}; it takes "
            f"{', '.join(sorted(allowed - {'kind'}))}"
        )
    if request.route is not None and not request.route.startswith("/"):
        if request.route not in VENDORS:
            raise WrongFault(f"no route {request.route}; known: {', '.join(VENDORS)}, or a path")
        if request.route not in kind.vendors:
            raise WrongFault(f"{kind.name} is for {', '.join(kind.vendors)}, not {request.route}")
    return kind


@dataclass(slots=True)
class Fault:
    """One fault that runs."""

    number: int
    kind: FaultKind
    request: FaultRequest
    until_s: float | None
    remaining: int | None
    share: float
    applied: int = 0
    _draws: int = 0
    _salt: int = field(init=False)

    def __post_init__(self) -> None:
        label = f"{self.request.seed}/{self.kind.name}".encode()
        self._salt = int.from_bytes(blake2b(label, digest_size=8).digest(), "little")

    def is_over(self, now_s: float) -> bool:
        """Whether its time or its occasions are used up."""
        return self.remaining == 0 or (self.until_s is not None and now_s >= self.until_s)

    def serves_path(self, path: str) -> bool:
        """Whether answers of a path are its business."""
        route = self.request.route
        if route is not None and route.startswith("/"):
            return path.startswith(route)
        vendor = vendor_of(path)
        return vendor in self.kind.vendors if route is None else vendor == route

    def fraction(self, *names: str | int) -> float:
        """A draw in [0, 1) that belongs to a thing, whenever and wherever it is asked for."""
        label = "/".join(map(str, names)).encode()
        key = self._salt.to_bytes(8, "little")
        digest = blake2b(label, digest_size=8, key=key).digest()
        return int.from_bytes(digest, "little") / 2**64

    def takes(self, *names: str | int) -> bool:
        """Whether it takes the occasion of a thing; of a nameless one by its order."""
        if not names:
            self._draws += 1
            names = ("occasion", self._draws)
        return self.share >= 1 or self.fraction(*names) < self.share

    def choose(self, count: int, name: str) -> int:
        """A seeded index below `count` for the newest occasion."""
        return int(stream(self.request.seed, self.kind.name, name, self.applied).integers(count))

    def told(self) -> dict[str, object]:
        """For the control endpoint."""
        return {
            "id": self.number,
            "kind": self.kind.name,
            "options": self.request.model_dump(exclude_unset=True, exclude={"kind"}),
            "remaining": self.remaining,
            "applied": self.applied,
        }


class FaultBoard:
    """The faults that run, and the log of all that they did."""

    def __init__(
        self, now_ms: Callable[[], int], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._now_ms = now_ms
        self._monotonic = monotonic
        self._running: list[Fault] = []
        self._started = 0
        self._entries: deque[dict[str, object]] = deque(maxlen=LOG_ENTRIES)
        self._written = 0
        self._withheld: dict[str, set[int]] = {}

    def start(self, request: FaultRequest) -> Fault:
        """Begin a fault. Raises WrongFault."""
        kind = checked(request)
        seconds, count = request.seconds, request.count
        if seconds is None and count is None:
            seconds = kind.seconds
            count = 1 if seconds is None else None
        self._started += 1
        fault = Fault(
            number=self._started,
            kind=kind,
            request=request,
            until_s=None if seconds is None else self._monotonic() + seconds,
            remaining=count,
            share=request.share if "share" in request.model_fields_set else kind.share,
        )
        self._running.append(fault)
        self._write(fault, "started", fault.told()["options"])
        return fault

    def stop(self, number: int | None = None) -> list[Fault]:
        """End one fault, or all."""
        stopped = [one for one in self.running() if number is None or one.number == number]
        for fault in stopped:
            self._running.remove(fault)
            self._write(fault, "stopped", {})
        return stopped

    def running(self) -> list[Fault]:
        """The faults that run; those that are over leave."""
        if self._running:
            now_s = self._monotonic()
            for fault in [one for one in self._running if one.is_over(now_s)]:
                self._running.remove(fault)
                self._write(fault, "over", {"applied": fault.applied})
        return self._running

    def of(self, reach: str) -> list[Fault]:
        """The running faults of one reach."""
        return [one for one in self.running() if one.kind.reach == reach] if self._running else []

    def take_http(self, path: str) -> Fault | None:
        """The fault that an answer of this path shall suffer."""
        for fault in self.of("http"):
            if fault.serves_path(path) and fault.takes():
                self.apply(fault, path=path)
                return fault
        return None

    def apply(self, fault: Fault, **what: object) -> None:
        """Count and log one application."""
        fault.applied += 1
        if fault.remaining is not None:
            fault.remaining -= 1
        self._write(fault, "applied", what)

    def withhold(self, symbol: str, trade_id: int) -> None:
        """From now on nobody is told of this trade: neither the stream nor REST."""
        self._withheld.setdefault(symbol, set()).add(trade_id)

    def withheld(self, symbol: str) -> set[int]:
        """Ids of a market that upstream does not have."""
        return self._withheld.get(symbol, set())

    def withheld_any(self) -> bool:
        """Whether any trade is withheld."""
        return bool(self._withheld)

    def log_after(self, number: int) -> tuple[list[dict[str, object]], int]:
        """Log entries with a number above the given one, and how many of all were dropped."""
        dropped = self._written - len(self._entries)
        skip = max(number - dropped, 0)
        return [entry for i, entry in enumerate(self._entries) if i >= skip], dropped

    def _write(self, fault: Fault, event: str, what: object) -> None:
        self._written += 1
        entry: dict[str, object] = {
            "number": self._written,
            "fault": fault.number,
            "kind": fault.kind.name,
            "event": event,
            "wall_ms": time.time_ns() // 1_000_000,
            "scenario_ms": self._now_ms(),
            "what": what,
        }
        self._entries.append(entry)
        # Frames are thousands: they are in the log that is asked for, not on the terminal.
        if event != "applied" or fault.kind.reach != "frames":
            log.info("fault_" + event, fault=fault.number, kind=fault.kind.name, what=what)
