"""The middleware through which every answer goes: a running fault takes the answer's place.

An answer that reaches its client whole is noted in `published`, so that a test knows what was told.
Bodies of any size go out piece by piece at the client's own pace; nothing is held.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from simulator.answers import SIMULATION
from simulator.fault_board import Fault, FaultBoard
from simulator.fault_bodies import (
    FEED_JUNK,
    HTML,
    JSON,
    PAGE,
    WRONG_JSON,
    XML,
    XML_BOMB,
    Body,
    blanks,
    gzip_of_blanks,
    refused,
    vendor_error,
)
from simulator.faults import vendor_of
from simulator.published import TOLD

FAULT_BOARD: web.AppKey[FaultBoard] = web.AppKey("fault_board", FaultBoard)
# Set where a fault needs the body: a handler must not answer 304 then.
WHOLE_BODY: web.RequestKey[bool] = web.RequestKey("whole_body", bool)

STATUSES_5XX = (500, 502, 503, 504)
SLOW_PIECES_PER_S = 10.0
# A slow answer ends some time even for a client without a timeout.
SLOWEST_S = 600.0


@web.middleware
async def http_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer, or suffer the fault of this path."""
    board = request.app[FAULT_BOARD]
    fault = board.take_http(request.path)
    if fault is None:
        response = await handler(request)
        note(request, response)
        return response
    return await ANSWERS[fault.kind.name](request, handler, fault)


def note(request: web.Request, response: web.StreamResponse) -> None:
    """Count an answer's records as told."""
    told = response.get(TOLD)
    if told is not None:
        request.app[SIMULATION].published.note(told)


async def whole(request: web.Request, handler: Handler) -> web.Response:
    """The answer that would have been given, with its body."""
    request[WHOLE_BODY] = True
    response = await handler(request)
    if not isinstance(response, web.Response):
        raise web.HTTPInternalServerError(text="this fault needs a route with a body")
    return response


def body_of(response: web.Response) -> bytes:
    """The bytes of an answer that was not sent yet."""
    return response.body if isinstance(response.body, bytes) else b""


def made(body: Body, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer of a body."""
    status, content, kind = body
    return web.Response(status=status, body=content, content_type=kind, headers=headers)


def cut(request: web.Request) -> None:
    """Reset the client's connection."""
    if isinstance(request.transport, asyncio.WriteTransport):
        request.transport.abort()


def retry_after(fault: Fault) -> dict[str, str]:
    """The header, where the fault names it."""
    after_s = fault.request.retry_after_s
    return {} if after_s is None else {"Retry-After": str(after_s)}


def status(number: int) -> "Answerer":
    """A refusal with a status."""

    async def refuse(request: web.Request, _: Handler, fault: Fault) -> web.StreamResponse:
        return made(refused(request.path, number), retry_after(fault))

    return refuse


async def status_5xx(request: web.Request, _: Handler, fault: Fault) -> web.StreamResponse:
    """500, 502, 503 or 504."""
    chosen = STATUSES_5XX[fault.choose(len(STATUSES_5XX), "status")]
    return made(refused(request.path, fault.request.status or chosen), retry_after(fault))


async def slow_body(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """The true body, a few bytes at a time."""
    true = await whole(request, handler)
    body = body_of(true)
    response = web.StreamResponse(status=true.status, headers=true.headers)
    response.content_length = len(body)
    pace = fault.request.bytes_per_s
    piece = max(round(pace / SLOW_PIECES_PER_S), 1)

    async def drip() -> None:
        await response.prepare(request)
        for first in range(0, len(body), piece):
            await response.write(body[first : first + piece])
            await asyncio.sleep(piece / pace)
        await response.write_eof()
        note(request, true)

    try:
        async with asyncio.timeout(SLOWEST_S):
            await drip()
    except (ConnectionError, TimeoutError):
        cut(request)
    return response


async def stream_out(
    request: web.Request, response: web.StreamResponse, pieces: Iterable[bytes]
) -> web.StreamResponse:
    """Send pieces at the client's pace until it has had enough."""
    try:
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(0)
        await response.write_eof()
    except ConnectionError:
        cut(request)
    return response


async def huge_body(request: web.Request, _: Handler, fault: Fault) -> web.StreamResponse:
    """Blanks without an end."""
    response = web.StreamResponse(headers={"Content-Type": content_type(request.path)})
    if fault.request.declared:
        response.content_length = fault.request.size_bytes
    else:
        response.enable_chunked_encoding()
    return await stream_out(request, response, blanks(fault.request.size_bytes))


async def gzip_bomb(request: web.Request, _: Handler, fault: Fault) -> web.StreamResponse:
    """A thousandth of what it unpacks to."""
    headers = {"Content-Type": content_type(request.path), "Content-Encoding": "gzip"}
    response = web.StreamResponse(headers=headers)
    response.enable_chunked_encoding()
    return await stream_out(request, response, gzip_of_blanks(fault.request.size_bytes))


async def html_200(_: web.Request, __: Handler, ___: Fault) -> web.StreamResponse:
    """A page for people."""
    return made((200, PAGE, HTML))


async def truncated(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """The first part of the true body; with `cut` its length is that of the whole."""
    true = await whole(request, handler)
    body = body_of(true)
    kept = body[: 1 + fault.choose(max(len(body) - 1, 1), "length")]
    if not fault.request.cut:
        return made((true.status, kept, true.content_type))
    response = web.StreamResponse(status=true.status, headers={"Content-Type": true.content_type})
    response.content_length = len(body) + 1
    await response.prepare(request)
    await response.write(kept)
    cut(request)
    return response


async def wrong_json(_: web.Request, __: Handler, fault: Fault) -> web.StreamResponse:
    """JSON that is no answer."""
    body = orjson.dumps(WRONG_JSON[fault.choose(len(WRONG_JSON), "body")])
    return made((200, body, JSON))


async def error_body(request: web.Request, _: Handler, fault: Fault) -> web.StreamResponse:
    """The vendor's own error."""
    return made(vendor_error(request.path, fault))


async def xml_bomb(_: web.Request, __: Handler, ___: Fault) -> web.StreamResponse:
    """Entities in entities, and one of a file."""
    return made((200, XML_BOMB, XML))


async def feed_junk(request: web.Request, handler: Handler, _: Fault) -> web.StreamResponse:
    """The true feed with a broken server's words behind it."""
    true = await whole(request, handler)
    note(request, true)
    return made((true.status, body_of(true) + FEED_JUNK, true.content_type))


def content_type(path: str) -> str:
    """What a client of the path expects."""
    return XML if vendor_of(path) == "rss" else JSON


Answerer = Callable[[web.Request, Handler, Fault], Awaitable[web.StreamResponse]]
ANSWERS: Mapping[str, Answerer] = {
    "status_429": status(429),
    "status_418": status(418),
    "status_451": status(451),
    "status_5xx": status_5xx,
    "slow_body": slow_body,
    "huge_body": huge_body,
    "gzip_bomb": gzip_bomb,
    "html_200": html_200,
    "truncated_json": truncated,
    "wrong_json": wrong_json,
    "vendor_error": error_body,
    "xml_bomb": xml_bomb,
    "feed_junk": feed_junk,
}
