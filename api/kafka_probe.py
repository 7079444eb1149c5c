"""Whether the broker answers, asked in a thread and at most every 5 s."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

MAX_AGE_S = 5.0
ANSWER_TIMEOUT_S = 2.0
# `/health` must stay quick while the broker hangs: the first question waits this long.
PATIENCE_S = 0.5


@dataclass(frozen=True, slots=True)
class KafkaState:
    """What the last look at the broker showed."""

    is_up: bool
    detail: str


UNKNOWN = KafkaState(is_up=False, detail="No answer yet.")


def ask_broker(bootstrap: str) -> Callable[[], KafkaState]:
    """A blocking question for the metadata of `bootstrap`; the connection is kept."""
    client: AdminClient | None = None

    def ask() -> KafkaState:
        nonlocal client
        if client is None:
            # log_level 0: a broker that is down is this probe's answer, not a line on stderr.
            client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        try:
            brokers = len(client.list_topics(timeout=ANSWER_TIMEOUT_S).brokers)
        except KafkaException:
            return KafkaState(is_up=False, detail="The broker does not answer.")
        return KafkaState(is_up=brokers > 0, detail=f"{brokers} broker(s) answer.")

    return ask


class KafkaProbe:
    """Caches `ask` for 5 s; one question at a time."""

    def __init__(
        self,
        ask: Callable[[], KafkaState],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._state = UNKNOWN
        self._asked_at_s: float | None = None
        self._question: asyncio.Task[None] | None = None

    async def state(self) -> KafkaState:
        """The broker's state at most some seconds ago; only the very first one is waited for."""
        if self._asked_at_s is None or self._monotonic() - self._asked_at_s >= MAX_AGE_S:
            if self._question is None or self._question.done():
                self._question = asyncio.create_task(self._look())
            if self._state is UNKNOWN:
                await asyncio.wait({self._question}, timeout=PATIENCE_S)
        return self._state

    async def _look(self) -> None:
        self._state = await asyncio.to_thread(self._ask)
        self._asked_at_s = self._monotonic()

    async def close(self) -> None:
        """Wait for a question that is under way."""
        if self._question is not None:
            await asyncio.wait({self._question})
