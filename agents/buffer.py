"""Frames between the socket and the worker: bounded, and kind to the venue's pings.

A full buffer first holds the socket back, which costs nothing when the worker is only busy. Held
back for long, pings would stay unanswered: then frames are dropped, all of them until the worker
has emptied the buffer, so that each market has one hole to repair and not a thousand.
"""

import asyncio
from collections import deque
from itertools import islice

# Frames of about 200 bytes: 10 MB, a few seconds of the busiest market.
BUFFER_FRAMES = 50_000
# Small enough that the event loop gets its turn every few milliseconds.
BATCH_FRAMES = 200
# Half of what our own ping waits for its pong; Binance wants a pong within 60 s.
HOLD_BACK_S = 10.0

Frames = list[tuple[bytes, int]]


class FrameBuffer:
    """Frames with their time of receipt, milliseconds UTC; for one receiver and one worker."""

    def __init__(self) -> None:
        self._frames: deque[tuple[bytes, int]] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._worked_off = asyncio.Event()
        self._dropping = False
        self._ended = False
        self.dropped = 0
        """Frames lost since the last `resume`."""

    def __len__(self) -> int:
        return len(self._frames)

    def offer(self, frame: bytes, collected_at_ms: int) -> bool:
        """Take a frame; False where there is no room for it now."""
        if self._dropping:
            self.dropped += 1
            return True
        if len(self._frames) >= BUFFER_FRAMES:
            return False
        self._frames.append((frame, collected_at_ms))
        self._filled.set()
        return True

    async def room(self) -> None:
        """Wait until the worker has taken a batch; after HOLD_BACK_S begin to drop."""
        self._emptied.clear()
        try:
            async with asyncio.timeout(HOLD_BACK_S):
                await self._emptied.wait()
        except TimeoutError:
            self._dropping = True

    def resume(self) -> int:
        """Keep frames again; returns how many were dropped."""
        dropped, self.dropped = self.dropped, 0
        self._dropping = False
        return dropped

    async def worked_off(self) -> None:
        """Wait until the worker has come back for more after the end."""
        await self._worked_off.wait()

    def end(self) -> None:
        """No more frames will come."""
        self._ended = True
        self._filled.set()

    async def take(self) -> Frames:
        """The next batch; empty only after the end."""
        while not self._frames and not self._ended:
            self._filled.clear()
            await self._filled.wait()
        if not self._frames:
            self._worked_off.set()
        batch = list(islice(self._frames, BATCH_FRAMES))
        for _ in batch:
            self._frames.popleft()
        self._emptied.set()
        return batch
