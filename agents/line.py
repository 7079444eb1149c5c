"""One connection of a stream: a task that receives frames into a buffer of its own.

While a line is replaced, two of them live: each covers the trades since its own subscription, and
the worker ends the old buffer before it begins the new one.
"""

import asyncio
from collections.abc import Callable

from agents.buffer import FrameBuffer
from agents.websocket import Connect
from market.errors import Retryable


class Line:
    """A connection from its opening to its end."""

    def __init__(
        self, connect: Connect, url: str, *, farewell: bytes, now_ms: Callable[[], int]
    ) -> None:
        self.buffer = FrameBuffer()
        self.last_frame_ms: int | None = None
        self.told_to_leave = asyncio.Event()
        """Set once the venue has announced that it will cut this connection."""
        self._opened = asyncio.Event()
        self._was_open = False
        self._error: Retryable | None = None
        self._task = asyncio.create_task(self._receive(connect, url, farewell, now_ms))

    async def opened(self) -> None:
        """Wait until frames can come. Raises Retryable where no connection can be had."""
        await self._opened.wait()
        if not self._was_open:
            await asyncio.gather(self._task)
            raise self.error

    @property
    def is_open(self) -> bool:
        """Whether frames may still come."""
        return not self._task.done()

    @property
    def is_lost(self) -> bool:
        """Whether it ended otherwise than by `close`."""
        return self._task.done() and not self._task.cancelled()

    @property
    def error(self) -> BaseException:
        """What ended it."""
        if not self._task.cancelled() and (unforeseen := self._task.exception()) is not None:
            return unforeseen
        return self._error or Retryable("the line was closed")

    async def close(self) -> None:
        """Drop the connection; what its buffer holds stays."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _receive(
        self, connect: Connect, url: str, farewell: bytes, now_ms: Callable[[], int]
    ) -> None:
        buffer = self.buffer
        try:
            async with connect(url) as socket:
                self._was_open = True
                self._opened.set()
                while True:
                    frame = await socket.receive()
                    self.last_frame_ms = at_ms = now_ms()
                    if farewell in frame:
                        self.told_to_leave.set()
                    while not buffer.offer(frame, at_ms):
                        await buffer.room()
        except Retryable as error:
            self._error = error
        finally:
            self._opened.set()
            buffer.end()
