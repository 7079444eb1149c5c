"""The simulator as its controller sees it: faults on demand, and what it says it published."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from stack.failure import Failure
from stack.proofs.ledger import Key

ANSWER_S = 60.0


class Venue:
    """The simulator as its controller sees it."""

    def __init__(self, address: str) -> None:
        self._http = httpx.Client(base_url=address, trust_env=False, timeout=ANSWER_S)

    def close(self) -> None:
        """Leave it."""
        self._http.close()

    def start_fault(self, asked: Mapping[str, object]) -> int:
        """Begin a fault; returns its number."""
        answer = self._http.post("/control/faults", json=asked)
        if answer.status_code != 201:
            raise Failure(f"The simulator refuses the fault {asked}: {answer.text}")
        return int(answer.json()["id"])

    def stop_faults(self) -> None:
        """End all."""
        self._http.delete("/control/faults")

    def running(self) -> dict[int, dict[str, Any]]:
        """Faults that are not over, by number."""
        return {one["id"]: one for one in self._http.get("/control/faults").json()["active"]}

    def fault_log(self, after: int = 0) -> list[dict[str, Any]]:
        """What faults did."""
        entries = self._http.get("/control/log", params={"after": after}).json()["entries"]
        return [dict(one) for one in entries]

    def told(self, kind: str, to_ms: int, sources: Iterable[str]) -> set[Key]:
        """Keys told of the sources, observed up to a moment."""
        answer = self._published(kind, to_ms)
        wanted = set(sources)
        return {tuple(key) for key in answer["keys"] if key[0] in wanted}

    def told_trades(self, to_ms: int) -> dict[str, list[tuple[int, int]]]:
        """Ranges of ids by market, of trades up to a moment."""
        ranges: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for symbol, first, last in self._published("trades", to_ms)["ranges"]:
            ranges[symbol].append((first, last))
        return dict(ranges)

    def planted(self, from_ms: int, to_ms: int) -> list[dict[str, Any]]:
        """The truth about anomalies that began in [from_ms, to_ms)."""
        asked = {"from_ms": str(from_ms), "to_ms": str(to_ms)}
        answer = self._http.get("/control/planted", params=asked)
        if answer.status_code != 200:
            raise Failure(f"The simulator does not tell what it planted: {answer.text}")
        return [dict(one) for one in answer.json()["planted"]]

    def identity(self, kind: str) -> tuple[str, ...]:
        """Fields of a record that make its key."""
        return tuple(self._published(kind, 0)["identity"])

    def bars(self, symbol: str, interval: str, limit: int) -> list[int]:
        """Open times of a market's bars, milliseconds UTC, oldest first."""
        asked = {"symbol": symbol, "interval": interval, "limit": str(limit)}
        rows = self._http.get("/api/v3/klines", params=asked).json()
        return [int(row[0]) for row in rows]

    def _published(self, kind: str, to_ms: int) -> dict[str, Any]:
        asked = {"kind": kind, "to_ms": str(to_ms)}
        answer = self._http.get("/control/published", params=asked)
        if answer.status_code != 200:
            raise Failure(f"The simulator does not tell what it published: {answer.text}")
        return dict(answer.json())
