"""alternative.me's Fear & Greed index: one value a day, asked for when it is due."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from agents.checks import refuse, shown, text
from agents.memory import LastPosition, Positions
from agents.settings import AgentSettings
from agents.source import Outcome, PollSource, Request, Response
from market.errors import RecordRejected, Retryable
from schemas.codec import Record
from schemas.record_types import FEAR_GREED

DAY_MS = 86_400_000
# A first start takes a month; whoever finds that days are missing takes as much at least.
HISTORY_DAYS = 30
# Otherwise the newest day and the one before: what joins on to what we hold shows that no day is
# missing between them.
NEWEST_DAYS = 2
# The index's first day is in 2018; a later time than this is no day of it.
LATEST_S = 2**33
# The value appears some seconds after it is due.
SETTLE_S = 30.0


class FearGreed(PollSource):
    """An index from 0 (extreme fear) to 100 (extreme greed) with its author's word for it.

    The answer to `limit=2`, newest first, every number a string::

        {"name": "Fear and Greed Index",
         "data": [{"value": "47", "value_classification": "Neutral",
                   "timestamp": "1777248000",           00:00 UTC of its day, seconds
                   "time_until_update": "53412"},       seconds; on the newest only
                  {"value": "45", "value_classification": "Fear", "timestamp": "1777161600"}],
         "metadata": {"error": null}}
    """

    name = "fear_greed"
    source = "alternative_me"
    record_type = FEAR_GREED
    memory = LastPosition(source, (), "observed_at_ms")
    rest_setting = "fear_greed_url"

    def __init__(self, settings: AgentSettings) -> None:
        super().__init__(settings)
        self.poll_interval_s = settings.fear_greed_retry_s
        self._held_ms: int | None = None
        self._due_ms = 0

    def expected_keys(self) -> Iterable[tuple[str, ...]]:
        """There is one index."""
        return ((),)

    def requests(self, held: Positions) -> Iterator[Request]:
        """The newest days, a month of them where none is held."""
        self._held_ms = held.get(())
        yield self._newest(HISTORY_DAYS if self._held_ms is None else NEWEST_DAYS)

    def _newest(self, days: int) -> Request:
        return Request(url=f"{self.base_url}/fng/", params={"limit": str(days)})

    def next_page(self, response: Response) -> Request | None:
        """All days since the one that is held, where the short answer does not join on to it."""
        if self._joins_on(response) or self._held_ms is None:
            return None
        newest_ms = max(_day_ms(row) or 0 for row in _rows(response.body))
        return self._newest(max((newest_ms - self._held_ms) // DAY_MS, HISTORY_DAYS))

    def _joins_on(self, response: Response) -> bool:
        if self._held_ms is None or response.request.params["limit"] != str(NEWEST_DAYS):
            return True
        days_ms = [at_ms for row in _rows(response.body) if (at_ms := _day_ms(row)) is not None]
        return not days_ms or min(days_ms) <= self._held_ms + DAY_MS

    def interval_s(self, now_ms: int) -> float:
        """Until the next value is due, and once it is, until it may be worth another look."""
        due_s = min(self._due_ms - now_ms, DAY_MS) / 1000 + SETTLE_S
        return max(due_s, self.settings.fear_greed_retry_s)

    def parse(self, response: Response, collected_at_ms: int) -> Iterator[Outcome]:
        """A record a day, oldest first, since days only rise."""
        rows = _rows(response.body)
        self._due_ms = _due_ms(rows, collected_at_ms)
        if not self._joins_on(response):
            return  # the longer answer that is asked for next has these days in their order
        for row in sorted(rows, key=lambda row: _day_ms(row) or 0):
            try:
                yield _record(row, collected_at_ms)
            except RecordRejected as rejected:
                yield rejected


def _rows(body: bytes) -> list[Any]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Retryable(f"alternative.me's answer is not JSON: {body[:80]!r}") from error
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not rows:
        raise Retryable(f"alternative.me's answer holds no days: {body[:200]!r}")
    return rows


def _whole(raw: object) -> int | None:
    """A whole number that is written as one, also in a string; None for all else."""
    if type(raw) is int:
        return raw
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < 16:
        return int(raw)
    return None


def _day_ms(row: object) -> int | None:
    at_s = _whole(row.get("timestamp")) if isinstance(row, dict) else None
    return None if at_s is None or not 0 < at_s < LATEST_S else at_s * 1000


def _due_ms(rows: list[Any], collected_at_ms: int) -> int:
    """When the next value is due: as the newest row says, else a day after it, milliseconds UTC."""
    newest = max(rows, key=lambda row: _day_ms(row) or 0)
    left_s = _whole(newest.get("time_until_update")) if isinstance(newest, dict) else None
    if left_s is not None:
        return collected_at_ms + left_s * 1000
    return (_day_ms(newest) or 0) + DAY_MS


def _record(row: object, collected_at_ms: int) -> Record:
    if not isinstance(row, dict):
        raise refuse("not an object", row)
    observed_at_ms = _day_ms(row)
    if observed_at_ms is None or observed_at_ms % DAY_MS:
        raise refuse(f"timestamp is {shown(row.get('timestamp'))}, not the start of a day", row)
    index = _whole(row.get("value"))
    if index is None or not 0 <= index <= 100:
        raise refuse(f"value is {shown(row.get('value'))}, not from 0 to 100", row)
    return {
        "source": FearGreed.source,
        "observed_at_ms": observed_at_ms,
        "collected_at_ms": collected_at_ms,
        "index": index,
        "classification": text(row, "value_classification"),
    }
