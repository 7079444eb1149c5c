"""Bodies of faulty answers: each vendor's errors, pages for people, bombs made on the fly.

CoinGecko's errors have four shapes; CoinMarketCap's stand in `status`, Binance's are code and msg.
Nothing here is larger than a megabyte at a time, however large the body is.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping

import orjson

from simulator.fault_board import Fault
from simulator.faults import vendor_of

Body = tuple[int, bytes, str]
"""Status, body, content type."""

JSON = "application/json"
XML = "application/rss+xml"
HTML = "text/html"
MEGABYTE = 1_048_576

PAGE = b"""<!DOCTYPE html>
<html><head><title>Just a moment...</title></head>
<body><h1>Checking your browser before you go on</h1><p>Enable JavaScript and cookies.</p></body>
</html>
"""
# Valid JSON that is nobody's answer.
WRONG_JSON: tuple[object, ...] = (
    None,
    42,
    "maintenance",
    {"unexpected": True},
    [None, 7, "x", {}],
    {"data": {"id": "bitcoin"}},
)
# Ten levels of ten: 10 GB where an entity is expanded. The second entity reads a file.
XML_BOMB = (
    b'<?xml version="1.0"?>\n<!DOCTYPE rss [\n<!ENTITY outside SYSTEM "file:///etc/hostname">\n'
    b'<!ENTITY e0 "0123456789">\n'
    + b"".join(
        b'<!ENTITY e%d "%b">\n' % (level, b"&e%d;" % (level - 1) * 10) for level in range(1, 10)
    )
    + b']>\n<rss version="2.0"><channel><title>&e9;</title><item><title>&outside;&e9;</title>'
    b"<link>https://news.example/bomb</link><guid>bomb</guid></item></channel></rss>\n"
)
FEED_JUNK = (
    b"\n<!-- cache 0.12 s -->\n<script>window.dataLayer=[];</script>\n"
    b"</channel></rss>\x00\xff<p>Fatal error: Allowed memory size of 134217728 bytes exhausted"
)

COINMARKETCAP_ERRORS: Mapping[int, tuple[int, str]] = {
    1001: (401, "This API Key is invalid."),
    1002: (401, "API key missing."),
    1006: (403, "Your API Key subscription plan doesn't support this endpoint."),
    1008: (429, "You've exceeded your API Key's HTTP request rate limit. Rate limits reset every "
           "minute."),
    1009: (429, "You've exceeded your API Key's daily rate limit."),
    1010: (429, "You've exceeded your API Key's monthly rate limit."),
    1011: (429, "You've hit an IP rate limit."),
}  # fmt: skip
BINANCE_ERRORS: Mapping[int, tuple[int, str]] = {
    -1000: (500, "An unknown error occurred while processing the request."),
    -1001: (503, "Internal error; unable to process your request. Please try again."),
    -1003: (429, "Too many requests; current limit is 6000 request weight per 1 MINUTE."),
    -1121: (400, "Invalid symbol."),
}
COINGECKO_ERRORS: Mapping[int, tuple[int, str]] = {
    429: (429, "You've exceeded the Rate Limit."),
    10002: (401, "Missing API Key."),
    10005: (401, "This request is limited to PRO API subscribers."),
    10010: (400, "If you are using Pro API key, please change your root URL."),
    10011: (400, "If you are using Demo API key, please change your root URL."),
    10012: (401, "Your request exceeds the allowed time range of 365 days."),
}
# Codes that the vendor's documents show with each shape.
SHAPE_CODES: Mapping[int, int] = {1: 500, 2: 429, 3: 10012, 4: 10010}


def coingecko_error(shape: int, code: int | None = None) -> Body:
    """An error of CoinGecko in one of its four shapes."""
    code = SHAPE_CODES[shape] if code is None else code
    status, message = COINGECKO_ERRORS.get(code, (code if 400 <= code < 600 else 400, "error"))
    moment = "2026-01-05T00:00:00.000+00:00"
    bodies: Mapping[int, object] = {
        1: {"error": message if code in COINGECKO_ERRORS else "Internal Server Error"},
        2: {"status": {"error_code": code, "error_message": message}},
        3: {
            "error": {"status": {"timestamp": moment, "error_code": code, "error_message": message}}
        },
        4: {"error_code": code, "status": {"error_message": message}},
    }
    return status, orjson.dumps(bodies[shape]), JSON


def coinmarketcap_error(code: int) -> Body:
    """An error of CoinMarketCap."""
    status, message = COINMARKETCAP_ERRORS.get(code, (400, "Bad request."))
    told = {
        "timestamp": "2026-01-05T00:00:00.000Z",
        "error_code": code,
        "error_message": message,
        "elapsed": 0,
        "credit_count": 0,
    }
    return status, orjson.dumps({"status": told}), JSON


def binance_error(code: int) -> Body:
    """An error of Binance."""
    status, message = BINANCE_ERRORS.get(code, (400, "Bad request."))
    return status, orjson.dumps({"code": code, "msg": message}), JSON


def fear_greed_error() -> Body:
    """What alternative.me says with status 200 when it has nothing."""
    body = {"name": "Fear and Greed Index", "data": None, "metadata": {"error": "Internal error"}}
    return 200, orjson.dumps(body), JSON


def publisher_error() -> Body:
    """What a publisher's object store says."""
    body = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"
    return 403, body, "application/xml"


def vendor_error(path: str, fault: Fault) -> Body:
    """The error of the path's vendor that the fault names."""
    request = fault.request
    code = request.code
    made: Mapping[str, Callable[[], Body]] = {
        "coingecko": lambda: coingecko_error(request.shape, code),
        "coinmarketcap": lambda: coinmarketcap_error(1008 if code is None else code),
        "binance": lambda: binance_error(-1003 if code is None else code),
        "fear_greed": fear_greed_error,
        "rss": publisher_error,
    }
    status, body, kind = made[vendor_of(path) or "binance"]()
    return request.status or status, body, kind


def refused(path: str, status: int) -> Body:
    """A status with the body that the path's vendor sends with it."""
    vendor = vendor_of(path)
    if vendor == "rss":
        return status, PAGE, HTML
    if vendor == "coingecko" and status == 429:
        return coingecko_error(2, 429)
    if vendor == "coinmarketcap" and status == 429:
        return coinmarketcap_error(1008)
    if vendor == "binance":
        words = {
            429: "Too many requests.",
            418: "Way too much request weight used; IP banned.",
            451: "Service unavailable from a restricted location.",
        }
        code = -1003 if status in (429, 418) else 0
        return status, orjson.dumps({"code": code, "msg": words.get(status, "error")}), JSON
    return status, orjson.dumps({"error": f"status {status}"}), JSON


def blanks(size_bytes: int) -> Iterator[bytes]:
    """Blanks, which JSON and XML allow before their end, in one buffer that is used again."""
    piece = memoryview(b" " * 65_536)
    while size_bytes > 0:
        yield bytes(piece[:size_bytes]) if size_bytes < len(piece) else piece.obj  # type: ignore[misc]
        size_bytes -= len(piece)


def gzip_of_blanks(size_bytes: int) -> Iterator[bytes]:
    """One gzip member of at least `size_bytes` blanks, in pieces of a megabyte's about 1 kB.

    A full flush makes the compressor forget, so each megabyte packs to the same bytes: the bomb is
    packed once, whatever its size.
    """
    megabyte = b" " * MEGABYTE
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    piece = packer.compress(megabyte) + packer.flush(zlib.Z_FULL_FLUSH)
    count = -(-size_bytes // MEGABYTE)
    checksum = 0
    yield b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    for _ in range(count):
        checksum = zlib.crc32(megabyte, checksum)
        yield piece
    yield zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS).flush()
    length = count * MEGABYTE % 2**32
    yield checksum.to_bytes(4, "little") + length.to_bytes(4, "little")
