"""A venue that sends trades as fast as they are taken: the feeder of `bench collect`.

A WebSocket server of the barest kind, so that on one core it never is the slow side: frames of
Binance's combined stream are built a thousand at a time, and the socket's own back-pressure paces
them. Everything else that is asked of it over HTTP gets an empty list. It pings as Binance does,
only every second, and measures how long each pong takes.
"""

import asyncio
import base64
import hashlib
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from market.clock import wall_ms

CHUNK = 500
# At a given rate, so much is sent at once.
CHUNK_S = 0.01
PING_EVERY_S = 1.0
# RFC 6455: the key of a handshake is hashed together with this.
HANDSHAKE = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
FINAL = 0x80


def server_frame(opcode: int, payload: bytes) -> bytes:
    """One unmasked frame of less than 64 kB."""
    if len(payload) < 126:
        return bytes((FINAL | opcode, len(payload))) + payload
    return struct.pack(">BBH", FINAL | opcode, 126, len(payload)) + payload


def trade_payload(symbol: str, trade_id: int, traded_at_ms: int) -> bytes:
    """A trade as the combined stream sends it; price and quantity move with the id."""
    price, quantity = 60_000 + trade_id % 1_000, 1 + trade_id % 97
    side = "true" if trade_id % 3 else "false"
    return (
        f'{{"stream":"{symbol.lower()}@aggTrade","data":{{"e":"aggTrade","E":{traded_at_ms},'
        f'"s":"{symbol}","a":{trade_id},"p":"{price}.25000000","q":"0.{quantity:05d}000",'
        f'"f":{2 * trade_id},"l":{2 * trade_id + 1},"T":{traded_at_ms},"m":{side},"M":true}}}}'
    ).encode()


@dataclass
class TradeFeeder:
    """Sends `trades` trades over `symbols` in turn, at most `rate` a second (None: unbounded)."""

    symbols: Sequence[str]
    trades: int
    rate: float | None = None
    port: int = 0
    sent: int = 0
    first_sent_s: float | None = None
    pongs_s: list[float] = field(default_factory=list)
    """Real seconds from each ping to its pong."""
    pings: int = 0
    connections: int = 0
    _server: asyncio.Server | None = None
    _clients: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        """Listen on a free port of the loopback interface."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Listen no more, and hang up."""
        if self._server is not None:
            self._server.close()
        for client in self._clients:
            client.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                key = _header(head, b"sec-websocket-key")
                if key is not None:
                    await self._stream(reader, writer, key)
                    return
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Content-Length: 2\r\n\r\n[]"
                )
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the agent has gone, or the bench is over
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: bytes
    ) -> None:
        accept = base64.b64encode(hashlib.sha1(key + HANDSHAKE, usedforsecurity=False).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.connections += 1
        listening = asyncio.create_task(self._listen(reader, writer))
        pinging = asyncio.create_task(self._ping(writer))
        try:
            await self._feed(writer)
            await listening
        finally:
            listening.cancel()
            pinging.cancel()

    def due_s(self, symbol: str, trade_id: int) -> float:
        """When a trade was to be sent at the rate, on the clock of `time.perf_counter`."""
        if self.first_sent_s is None or self.rate is None:
            raise ValueError("nothing was scheduled")
        n = (trade_id - 1) * len(self.symbols) + self.symbols.index(symbol)
        return self.first_sent_s + n / self.rate

    async def _feed(self, writer: asyncio.StreamWriter) -> None:
        began_s = time.perf_counter()
        self.first_sent_s = self.first_sent_s or began_s
        chunk = CHUNK if self.rate is None else max(1, int(self.rate * CHUNK_S))
        while self.sent < self.trades:
            count = min(chunk, self.trades - self.sent)
            if self.rate is not None:
                # Not before the last of them is due: what is measured from its due time never
                # looks faster than it was.
                ahead_s = (self.sent + count) / self.rate - (time.perf_counter() - began_s)
                await asyncio.sleep(max(ahead_s, 0.0))
            now_ms, markets = wall_ms(), len(self.symbols)
            writer.write(
                b"".join(
                    server_frame(
                        TEXT,
                        trade_payload(self.symbols[n % markets], 1 + n // markets, now_ms),
                    )
                    for n in range(self.sent, self.sent + count)
                )
            )
            self.sent += count
            await writer.drain()
            await asyncio.sleep(0)

    async def _ping(self, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(server_frame(PING, struct.pack(">d", time.perf_counter())))
            self.pings += 1
            await asyncio.sleep(PING_EVERY_S)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pongs, pings and the close of the client, whose frames are masked and short."""
        while True:
            first, length = await reader.readexactly(2)
            size = length & 0x7F
            if size > 125:
                raise ConnectionError("a client of a trade stream has nothing long to say")
            mask = await reader.readexactly(4)
            masked = await reader.readexactly(size)
            payload = bytes(byte ^ mask[n % 4] for n, byte in enumerate(masked))
            opcode = first & 0x0F
            if opcode == PONG and len(payload) == 8:
                self.pongs_s.append(time.perf_counter() - struct.unpack(">d", payload)[0])
            elif opcode == PING:
                writer.write(server_frame(PONG, payload))
            elif opcode == CLOSE:
                writer.write(server_frame(CLOSE, payload[:2]))
                return


def _header(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        found, _, content = line.partition(b":")
        if found.strip().lower() == name:
            return content.strip()
    return None
