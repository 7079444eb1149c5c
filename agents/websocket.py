"""The WebSocket of a stream: frames as bytes, pings answered as long as somebody receives."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from agents.addresses import Gate
from market.errors import Retryable

OPEN_TIMEOUT_S = 10.0
# Our own pings find a connection that died without a word.
PING_EVERY_S = 20.0
PING_TIMEOUT_S = 20.0
FRAME_CAP_BYTES = 1_048_576
# Frames that the library holds before it stops reading the socket, and with it the server's pings.
# The runner's receiver always takes them at once.
LIBRARY_QUEUE_FRAMES = 4_096


class Socket(Protocol):
    """An open connection."""

    async def receive(self) -> bytes:
        """The next frame. Raises Retryable once the connection is closed."""


class Connect(Protocol):
    """Opens connections."""

    def __call__(self, url: str) -> AbstractAsyncContextManager[Socket]:
        """Entering it raises Retryable where no connection can be had, Fatal where none may be."""


class _WebSocket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def receive(self) -> bytes:
        try:
            return await self._connection.recv(decode=False)
        except ConnectionClosed as error:
            raise Retryable(f"the stream was closed: {error}") from error


class _ConnectHere(connect):
    """Follows no redirect: the address comes from a setting, and no venue redirects its stream."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


@asynccontextmanager
async def open_websocket(url: str, *, gate: Gate) -> AsyncIterator[Socket]:
    """Connect to a WebSocket server that the gate lets us ask, at the address of a setting."""
    gate.first(httpx.URL(url))
    connecting = _ConnectHere(
        url,
        open_timeout=OPEN_TIMEOUT_S,
        close_timeout=2.0,
        ping_interval=PING_EVERY_S,
        ping_timeout=PING_TIMEOUT_S,
        max_size=FRAME_CAP_BYTES,
        max_queue=LIBRARY_QUEUE_FRAMES,
        compression=None,  # frames of 200 bytes gain nothing and cost time
        proxy=None if is_loopback(url) else True,
    )
    try:
        connection = await connecting
    except (OSError, TimeoutError, WebSocketException) as error:
        shown = url.partition("?")[0]
        raise Retryable(f"{shown}: {type(error).__name__} {error}") from error
    try:
        yield _WebSocket(connection)
    finally:
        await connection.close()


def is_loopback(url: str) -> bool:
    """True for an address on this computer, which no proxy of the environment can reach."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
