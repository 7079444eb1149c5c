"""Synchronous writes of line protocol to InfluxDB 2. A call returns when the points are durable.

Writing a point again replaces it, so a caller may repeat a batch. Points that the server refuses
for what they are come back to the caller, found by halving the batch, and the others are written.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from market.errors import Fatal, StoreUnavailable

# The batch size InfluxData recommends; larger requests gain nothing and hold more memory.
LINES_PER_REQUEST = 5_000
TIMEOUT = httpx.Timeout(10.0, connect=3.0)


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A point that InfluxDB will never take, with the server's words."""

    line: str
    detail: str


class PointWriter:
    """Writes lines to the buckets of one organisation. Not for use from two threads at once."""

    def __init__(
        self, *, url: str, org: str, token: str, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._org = org
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Token {token}"},
            timeout=TIMEOUT,
            transport=transport,
        )

    def write(self, bucket: str, lines: Sequence[str]) -> list[RefusedLine]:
        """Write all lines; returns those that the server refused.

        Raises StoreUnavailable when it cannot be reached or asks to wait, Fatal when the token,
        the organisation or the bucket is wrong.
        """
        refused: list[RefusedLine] = []
        for start in range(0, len(lines), LINES_PER_REQUEST):
            refused += self._write_part(bucket, lines[start : start + LINES_PER_REQUEST])
        return refused

    def close(self) -> None:
        """Drop the connections."""
        self._client.close()

    def _write_part(self, bucket: str, lines: Sequence[str]) -> list[RefusedLine]:
        detail = self._post(bucket, lines)
        if detail is None:
            return []
        if len(lines) == 1:
            return [RefusedLine(line=lines[0], detail=detail)]
        middle = len(lines) // 2
        return self._write_part(bucket, lines[:middle]) + self._write_part(bucket, lines[middle:])

    def _post(self, bucket: str, lines: Sequence[str]) -> str | None:
        """None when all lines are written, the server's words when some were refused."""
        try:
            response = self._client.post(
                "/api/v2/write",
                params={"org": self._org, "bucket": bucket, "precision": "ns"},
                content="\n".join(lines).encode(),
            )
        except httpx.TransportError as error:
            raise StoreUnavailable(f"InfluxDB does not answer: {error!r}") from error
        status = response.status_code
        if status == httpx.codes.NO_CONTENT:
            return None
        words = _words(response)
        if status in (400, 413, 422):
            return words
        if status in (401, 403, 404):
            raise Fatal(f"InfluxDB refuses to write to bucket {bucket} ({status}): {words}")
        raise StoreUnavailable(
            f"InfluxDB answered {status}: {words}", retry_after_s=_wait(response)
        )


def _words(response: httpx.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return response.text[:500]


def _wait(response: httpx.Response) -> float | None:
    header = response.headers.get("Retry-After", "")
    return float(header) if header.isdigit() else None
