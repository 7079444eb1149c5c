"""The real HTTP client against a server on loopback."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from agents.http import HttpxTransport
from agents.source import Request, Response
from market.errors import Fatal, Retryable
from tests.agents.fakes import settings

pytestmark = pytest.mark.integration

Handler = Callable[[asyncio.StreamWriter], Awaitable[None]]
CAP = 100_000


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            await handler(writer)
        except ConnectionError:
            pass  # the client hung up, as it should
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        listening.close()


async def send(handler: Handler, **overrides: float) -> Response:
    async with server(handler) as url:
        transport = HttpxTransport(settings(body_cap_bytes=CAP, **overrides))
        try:
            return await transport.send(Request(f"{url}/x"))
        finally:
            await transport.close()


def replies(body: bytes, *headers: bytes) -> Handler:
    async def reply(writer: asyncio.StreamWriter) -> None:
        lines = (b"HTTP/1.1 200 OK", b"content-length: %d" % len(body), *headers)
        writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        await writer.drain()

    return reply


async def test_a_compressed_body_arrives_unpacked():
    response = await send(replies(gzip.compress(b"[1, 2]"), b"content-encoding: gzip"))
    assert (response.status, response.body) == (200, b"[1, 2]")


async def test_a_body_beyond_the_cap_is_refused():
    with pytest.raises(Retryable, match="larger than"):
        await send(replies(b"x" * (CAP + 1)))


async def test_a_gzip_bomb_is_refused_at_the_cap():
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < CAP
    with pytest.raises(Retryable, match="larger than"):
        await send(replies(bomb, b"content-encoding: gzip"))


@pytest.mark.parametrize("body", [gzip.compress(b"x" * 1000)[:-9], b"no gzip at all"])
async def test_damaged_or_cut_off_gzip_is_asked_again(body: bytes):
    with pytest.raises(Retryable, match="gzip"):
        await send(replies(body, b"content-encoding: gzip"))


async def test_an_encoding_that_was_not_asked_for_is_refused():
    with pytest.raises(Retryable, match="br"):
        await send(replies(b"x", b"content-encoding: br"))


async def test_a_body_that_drips_for_ever_ends_with_the_total_timeout():
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    with pytest.raises(Retryable, match="no whole answer"):
        await send(drip, total_timeout_s=0.1)


async def test_a_cut_connection_is_asked_again():
    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx")
        await writer.drain()

    with pytest.raises(Retryable):
        await send(cut)


async def test_a_port_where_nobody_listens_is_asked_again():
    async with server(replies(b"")) as url:
        gone = url
    transport = HttpxTransport(settings())
    with pytest.raises(Retryable):
        await transport.send(Request(f"{gone}/x"))
    await transport.close()


def redirects_to(target: str) -> Handler:
    async def reply(writer: asyncio.StreamWriter) -> None:
        location = b"location: " + target.encode()
        writer.write(b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\n" + location + b"\r\n\r\n")
        await writer.drain()

    return reply


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/",
        "http://[::ffff:10.0.0.1]/",
        "http://localhost/",
        "/itself",
        "ftp://192.0.2.1/",
    ],
)
async def test_a_redirect_to_an_inner_address_is_refused(target: str):
    with pytest.raises(Fatal, match=r"not a public address|no web address"):
        await send(redirects_to(target))


async def test_in_a_demo_no_other_port_may_be_asked_and_redirects_stay_on_it():
    async with server(replies(b"[]")) as url:
        only = url.removeprefix("http://")
        transport = HttpxTransport(settings(upstream_only=only))
        assert (await transport.send(Request(f"{url}/x"))).body == b"[]"
        with pytest.raises(Fatal, match="demo"):
            await transport.send(Request("http://127.0.0.1:1/x"))
        await transport.close()


async def test_in_a_demo_redirects_end_after_the_third():
    async with server(redirects_to("/again")) as url:
        transport = HttpxTransport(settings(upstream_only=url.removeprefix("http://")))
        with pytest.raises(Fatal, match="more than 3 times"):
            await transport.send(Request(f"{url}/x"))
        await transport.close()


async def test_a_redirect_takes_no_key_to_another_host(monkeypatch: pytest.MonkeyPatch):
    seen: list[tuple[str, bool]] = []

    async def once(
        self: Any, request: Request, url: Any, *, headers: Any, is_redirect: bool
    ) -> Any:
        seen.append((url.host, "x-key" in headers))
        target = url.copy_with(host="other.test") if url.host == "venue.test" else None
        return Response(request, 200, b"[]"), target

    monkeypatch.setattr(HttpxTransport, "_once", once)
    transport = HttpxTransport(settings())
    await transport.send(Request("https://venue.test/x", headers={"x-key": "secret"}))
    assert seen == [("venue.test", True), ("other.test", False)]
