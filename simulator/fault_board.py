"""The faults that run, and the log of all that they did."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

import structlog

from simulator.faults import FaultKind, FaultRequest, checked, vendor_of
from simulator.seeded import stream

log = structlog.get_logger()

# Entries kept; older ones are counted as dropped.
LOG_ENTRIES = 100_000


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
