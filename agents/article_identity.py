"""Which article an entry of a feed is, and which version of it; and its words without markup.

An article is known by its canonical address (no scheme, tracking parameters, fragment), else by the
feed's guid, else by its normalised title and day. Its version is known by title and summary.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

# Who sent the reader, not what is read.
TRACKING = re.compile(
    r"utm_.*|(fb|g|ms|y|tt|tw|dc)clid|gbraid|wbraid|mc_[ce]id|_hs(enc|mi)|igshid|"
    r"(cmp|ncid|s?cid|ref|referrer|ref_src|source_?id|spm|feature|outputtype|partner|rss)",
    re.IGNORECASE,
)
DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST_URL = 2_000
# Markup is taken out of this much; what we keep of it is far shorter.
LONGEST_MARKUP = 200_000
UNSEEN = {"script", "style", "template", "iframe", "object", "svg", "noscript"}
INLINE = {"a", "abbr", "b", "cite", "code", "em", "font", "i", "mark", "q", "s", "small", "span"}
INLINE |= {"strong", "sub", "sup", "u"}
HASH_CHARACTERS = 32


def canonical_url(raw: str) -> str | None:
    """The http(s) address without tracking; None for all else, such as `javascript:` or a path."""
    try:
        parts = urlsplit(raw.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not host or re.search(r"\s", raw.strip()):
        return None
    where = f"[{host}]" if ":" in host else host
    if port is not None and port != DEFAULT_PORTS[parts.scheme]:
        where = f"{where}:{port}"
    kept = [
        (name, text)
        for name, text in parse_qsl(parts.query, keep_blank_values=True)
        if not TRACKING.fullmatch(name)
    ]
    found = urlunsplit((parts.scheme, where, parts.path or "/", urlencode(kept), ""))
    return found if len(found) <= LONGEST_URL else None


def article_id(*, url: str | None, guid: str | None, title: str, published_at_ms: int) -> str:
    """A stable name of the article within its feed."""
    if url is not None:
        # The same page under http and https, with and without the last slash.
        return _hash("url", url.partition("://")[2].rstrip("/"))
    if guid is not None:
        return _hash("guid", guid)
    day = datetime.fromtimestamp(published_at_ms / 1000, UTC).date().isoformat()
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", title).casefold())
    return _hash("title", " ".join(words), day)


def content_hash(title: str, summary: str | None) -> str:
    """Differs where the headline or the summary was edited."""
    return _hash("content", title, summary or "")


def _hash(*parts: str) -> str:
    joined = "\0".join(parts).encode("utf-8", "replace")
    return sha256(joined).hexdigest()[:HASH_CHARACTERS]


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        del attrs
        if tag in UNSEEN:
            self._unseen.append(tag)
        elif tag not in INLINE:
            self.pieces.append(" ")

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        del attrs
        if tag not in INLINE:
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unseen:
            del self._unseen[self._unseen.index(tag) :]
        elif tag not in INLINE:
            self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)


def plain_text(markup: str, *, longest: int) -> str:
    """The words of a piece of HTML with single spaces, cut at a word with "…" where too long."""
    words = _Words()
    words.feed(markup[:LONGEST_MARKUP])
    words.close()
    printable = "".join(one for one in "".join(words.pieces) if one.isspace() or one.isprintable())
    found = " ".join(printable.split())
    if len(found) <= longest:
        return found
    return found[: longest - 1].rpartition(" ")[0].rstrip() + "…"
