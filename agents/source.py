"""What a source is: it says what to ask and what an answer means, and does no IO itself.

A source never sleeps, retries, opens a connection or reads a clock: the runner (`agents.poll`,
`agents.stream`) owns time, retry, circuit breaker, dedup and publishing. `parse` yields, in the
answer's order, records, `RecordRejected` for rows that cannot be true, so that one bad row never
takes its neighbours with it, and `NOT_OURS` for rows about coins that we do not know. An answer
that as a whole is not what was asked for raises `Retryable`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agents.memory import LastPosition, Positions
from agents.settings import AgentSettings
from market.errors import RecordRejected
from schemas.codec import Record
from schemas.record_types import RecordType


class PassedOver:
    """A row about a thing that is not ours."""


NOT_OURS = PassedOver()
Outcome = Record | RecordRejected | PassedOver
"""What one row became."""


@dataclass(frozen=True, slots=True)
class Request:
    """One GET. `headers` may hold a key and is therefore never printed."""

    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cost: int = 1
    """What it takes of the month's budget: calls, or the vendor's credits."""


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer: decompressed body, header names in lower case."""

    request: Request
    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Source(ABC):
    """What polls and streams have in common."""

    name: str
    """Name of the agent, as in SOURCES and on the command line."""

    source: str
    """Name on the records."""

    record_type: RecordType
    memory: LastPosition
    """What its topic remembers of it."""

    rest_setting: str
    """Field of AgentSettings with the address its requests go to; errors name it."""

    key_setting: str | None = None
    """Field of AgentSettings with its key, None where it needs none."""

    def __init__(self, settings: AgentSettings) -> None:
        self.settings = settings
        self.base_url = str(getattr(settings, self.rest_setting)).rstrip("/")

    @property
    def vendor(self) -> str:
        """First word of its name: its settings begin with it, the host's limits among them."""
        return self.name.split("_")[0]

    def expected_keys(self) -> Iterable[tuple[str, ...]]:
        """Keys of `memory` that the topic should hold: reading back stops when all are found."""
        return ()

    def off_because(self) -> str | None:
        """Why it cannot run with these settings, naming the setting to change; None where it can.

        Its agent then stays quiet instead of failing: a source without its key is not a fault.
        """
        return None

    @abstractmethod
    def parse(self, response: Response, collected_at_ms: int) -> Iterable[Outcome]:
        """Rows of an HTTP answer. Raises Retryable where the answer is not of the agreed shape."""


class PollSource(Source):
    """A source that is asked again and again, or once where `poll_interval_s` is None."""

    poll_interval_s: float | None
    """Platform seconds from one poll to the next; None means once and then done."""

    @abstractmethod
    def requests(self, held: Positions) -> Iterable[Request]:
        """What to ask now; `held` are the last positions by memory key."""

    def interval_s(self, now_ms: int) -> float | None:
        """Platform seconds from a poll that began at `now_ms` to the next one.

        A source that knows when its next value is due says so here; the others keep a cadence.
        """
        del now_ms
        return self.poll_interval_s

    def next_page(self, response: Response) -> Request | None:
        """The request that continues an answer, None where it is whole."""
        del response
        return None

    def taken(self, response: Response) -> None:
        """The records of an answer are with the publisher: what it validates may be used now."""
        del response


class StreamSource(Source):
    """A source that pushes frames, with a REST interface that repairs what the frames left out.

    Ids rise by 1 within a market, in frames and rows alike.
    """

    stream_setting: str
    """Field of AgentSettings with the WebSocket's address."""

    page_rows: int
    """Most rows of one REST answer; fewer mean that it reached the newest trade."""

    farewell: bytes = b"\0"
    """Stands in a frame that announces the end of the connection, and in no other."""

    @property
    @abstractmethod
    def symbols(self) -> Sequence[str]:
        """Markets it follows."""

    @abstractmethod
    def follow(self, symbols: Sequence[str]) -> None:
        """Follow these markets from now on. Raises Fatal where it cannot."""

    @abstractmethod
    def stream_url(self, symbols: Sequence[str]) -> str:
        """Address that subscribes to these markets."""

    @abstractmethod
    def coin_of(self, symbol: str) -> str:
        """CoinGecko's id of a market's base."""

    @abstractmethod
    def parse_frame(self, frame: bytes, collected_at_ms: int) -> Iterable[Outcome]:
        """Trades of a frame; nothing for a frame that carries none."""

    @abstractmethod
    def page_from_id(self, symbol: str, from_id: int) -> Request:
        """Trades of a market with this id and later."""

    @abstractmethod
    def page_of_newest(self, symbol: str) -> Request:
        """The newest trade of a market, alone."""

    @abstractmethod
    def listing(self, symbol: str) -> Request:
        """Asks whether a market still trades."""

    @abstractmethod
    def is_listed(self, response: Response) -> bool:
        """What `listing` was answered. Raises Retryable where the answer says nothing."""

    @abstractmethod
    def page_from_time(self, symbol: str, from_ms: int) -> Request:
        """Trades of a market at this time, milliseconds UTC, and later."""
