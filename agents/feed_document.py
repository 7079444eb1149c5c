"""The document of a news feed, read without trusting it: bytes to entries.

What XML could be made to do is refused before a parser sees it: a document that declares an entity,
for bombs need one, and so do references to files and addresses. Looking costs one pass over the
text. Nothing is fetched: the parser is given bytes in memory.
"""

import codecs
import io
import re
from collections.abc import Mapping
from typing import Any

import feedparser
import structlog

from market.errors import Retryable

log = structlog.get_logger()

DECLARES_ENTITY = re.compile(r"<!\s*entity", re.IGNORECASE)
# A feed that was cut short has a last entry that was, too: half a headline would be a new version.
FEED_END = re.compile(r"</\s*(rss|feed|rdf:rdf)\s*>", re.IGNORECASE)
# CoinDesk writes one after the description, and the parser lets the last one win.
EMPTY_DESCRIPTION = re.compile(r"<dc:description\s*(/>|>\s*</dc:description>)")
# A hundred articles have some thousands; three million, in 9 MB, would cost the parser 79 s.
MOST_TAGS = 100_000
XML_DECLARATION = re.compile(rb"<\?xml\b[^>]*>")
DECLARED_ENCODING = re.compile(rb"""\bencoding\s*=\s*["']([^"']+)["']""")
# Codecs, by Python's names, that publishers use; others can be made to cost time (punycode).
KNOWN_ENCODINGS = ("utf-8", "ascii", "iso8859-", "cp125", "koi8-", "gb", "euc", "big5", "shift_jis")
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# What publishers call a feed. Without any content type the document itself is judged.
FEED_TYPES = re.compile(
    r"(application|text)/((rss|atom|rdf)\+)?xml|text/plain|application/octet-stream"
)
# What the parser may raise on documents that no publisher writes.
PARSER_ERRORS = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)


def read_feed(body: bytes, headers: Mapping[str, str], *, where: str) -> list[Mapping[str, Any]]:
    """Entries in the document's order; none for an empty feed.

    Raises Retryable for what is no feed: publishers answer with a page of HTML when they are in
    trouble or refuse us, and that is an outage of the source, not a day without news.
    """
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type and not FEED_TYPES.fullmatch(content_type):
        raise Retryable(f"{where} answered {content_type}, not a feed: {body[:80]!r}")
    document = _harmless(body, where)
    try:
        feed = feedparser.parse(
            io.BytesIO(document),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,  # all markup is taken out later
            resolve_relative_uris=False,
        )
    except PARSER_ERRORS as error:
        raise Retryable(f"{where}: the feed cannot be read: {error!r}") from error
    if not feed.get("version"):
        raise Retryable(f"{where} answered what is no feed: {body[:80]!r}")
    if feed.get("bozo"):
        log.warning("feed_malformed", feed=where, error=str(feed.get("bozo_exception"))[:200])
    # Plain: the parser's own mapping answers for absent fields with others.
    if not FEED_END.search(document.decode("utf-8", "replace")):
        raise Retryable(f"{where}: the feed ends before its end")
    return [dict(entry) for entry in feed["entries"]]


def _harmless(body: bytes, where: str) -> bytes:
    """The document in UTF-8, without declared entities. Raises Retryable.

    We decode it, so that the parser sees the characters that we have looked at.
    """
    body = body.lstrip()
    declaration = XML_DECLARATION.match(body)
    text = body.decode(_encoding(body, declaration, where), "replace")
    text = text if declaration is None else text.partition(">")[2]
    if not text.lstrip().startswith("<") or "\0" in text:
        raise Retryable(f"{where} answered what is no XML: {body[:80]!r}")
    if DECLARES_ENTITY.search(text):
        raise Retryable(f"{where}: the feed declares entities, as XML bombs do; it is not read")
    if text.count("<") > MOST_TAGS:
        raise Retryable(f"{where}: a feed of over {MOST_TAGS} tags is not read")
    return EMPTY_DESCRIPTION.sub("", text).lstrip().encode("utf-8", "replace")


def _encoding(body: bytes, declaration: re.Match[bytes] | None, where: str) -> str:
    for mark, name in BYTE_ORDER_MARKS.items():
        if body.startswith(mark):
            return name
    declared = None if declaration is None else DECLARED_ENCODING.search(declaration[0])
    if declared is None:
        return "utf-8"
    try:
        name = codecs.lookup(declared[1].decode("ascii", "replace")).name
    except LookupError:
        name = ""
    if not name.startswith(KNOWN_ENCODINGS):
        raise Retryable(f"{where}: a feed in {declared[1]!r} is not read")
    return name
