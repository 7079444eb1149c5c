"""Faults on demand: the table of kinds, and what one is asked to do; they run on `fault_board`.

A fault lasts for real seconds or for a number of occasions, whichever is given (both: whichever
ends first). An occasion is an answer, a connection or a frame. Which occasions it takes is decided
by its seed alone: frames by (seed, kind, symbol, trade id), whatever connection carries them, and
answers by their order. Every application is an entry of the log, so that a test knows the truth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_SEED = 7

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
    if request.route is not None:
        # A path outside of the vendors' would also take the control endpoint, and stay for ever.
        is_path = request.route.startswith("/")
        vendor = vendor_of(request.route) if is_path else request.route
        if vendor not in VENDORS:
            raise WrongFault(
                f"no route {request.route}; known: {', '.join(VENDORS)}, or a path of theirs: "
                f"{', '.join(path for paths in VENDORS.values() for path in paths)}"
            )
        if vendor not in kind.vendors:
            raise WrongFault(f"{kind.name} is for {', '.join(kind.vendors)}, not {request.route}")
    return kind
