"""News feeds (RSS 2.0, RSS 1.0, Atom): articles and their later versions."""

from calendar import timegm
from collections.abc import Iterator, Mapping
from typing import Any

from agents.article_identity import article_id, canonical_url, content_hash, plain_text
from agents.checks import refuse, shown
from agents.feed_document import read_feed
from agents.memory import LastPosition, Positions
from agents.settings import AgentSettings
from agents.source import Outcome, PollSource, Request, Response
from agents.verdict import NOT_MODIFIED
from market.errors import RecordRejected, Retryable
from schemas.codec import Record
from schemas.record_types import ARTICLE

ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.8"
# Feeds show up to about a hundred entries; one of thousands is not news.
MOST_ENTRIES = 1_000
LONGEST_TITLE = 1_000
LONGEST_SUMMARY = 10_000
LONGEST_NAME = 300
LONGEST_GUID = 1_000
MOST_CATEGORIES = 50
# By the header of an answer, the header with which the next request gives it back.
VALIDATORS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


class Rss(PollSource):
    """One record a version of an article; `source` is the feed's name in the setting.

    An item of RSS 2.0, of which everything but title or description may be absent::

        <item>
          <title><![CDATA[Bitcoin steadies after a volatile night]]></title>
          <link>https://news.example/markets/bitcoin-steadies?utm_source=rss</link>
          <guid isPermaLink="false">GAHBBCJVKFCXDLON</guid>
          <dc:creator>A. Writer</dc:creator>
          <description><![CDATA[<p>Volume <b>fell</b> back.</p>]]></description>
          <pubDate>Mon, 13 Mar 2023 10:13:50 +0000</pubDate>          event time, RFC 822
          <category domain="tag">Bitcoin</category>
        </item>

    Titles change after publication: same `article_id`, new `content_hash`. Requests are
    conditional, and 304 is a good answer without records.
    """

    name = "rss"
    source = "rss"
    record_type = ARTICLE
    # Versions do not rise, so each passes once; one topic holds all feeds.
    memory = LastPosition(None, ("source", "article_id", "content_hash"), None)
    rest_setting = "rss_feeds"

    def __init__(self, settings: AgentSettings) -> None:
        super().__init__(settings)
        self.poll_interval_s = settings.rss_poll_interval_s
        self._feed_of = {
            url: feed for feed, url in (one.split("=", 1) for one in settings.rss_feeds)
        }
        self.base_url = next(iter(self._feed_of), "")
        self._validators: dict[str, dict[str, str]] = {}
        self._awaits_its_time: set[str] = set()
        """Feeds with an article whose time has not come: they must be read whole again."""

    def off_because(self) -> str | None:
        """Without a feed there is nothing to ask."""
        return None if self._feed_of else "no feed: name one in CRYPTOVIZ_RSS_FEEDS as NAME=URL"

    def requests(self, held: Positions) -> Iterator[Request]:
        """Each feed, if it has changed."""
        del held
        for url in self._feed_of:
            headers = {"Accept": ACCEPT, **self._validators.get(url, {})}
            yield Request(url=url, headers=headers)

    def taken(self, response: Response) -> None:
        """From now on only a change of this document is asked for."""
        url = response.request.url
        if response.status == NOT_MODIFIED:
            return
        self._validators[url] = {
            asks: response.headers[says]
            for says, asks in VALIDATORS.items()
            if says in response.headers and url not in self._awaits_its_time
        }

    def parse(self, response: Response, collected_at_ms: int) -> Iterator[Outcome]:
        """A record an entry, the last of the document first: feeds begin with the newest."""
        url = response.request.url
        if response.status == NOT_MODIFIED:
            if not self._validators.get(url):
                raise Retryable(f"{url} answered 304 to a request without a condition")
            return
        self._awaits_its_time.discard(url)
        entries = read_feed(response.body, response.headers, where=url)
        for entry in reversed(entries[:MOST_ENTRIES]):
            try:
                record = _record(entry, self._feed_of[url], collected_at_ms)
            except RecordRejected as rejected:
                yield rejected
                continue
            if record["observed_at_ms"] > collected_at_ms:
                self._awaits_its_time.add(url)
            yield record


def _record(entry: Mapping[str, Any], feed: str, collected_at_ms: int) -> Record:
    title = plain_text(_words(entry, "title"), longest=LONGEST_TITLE)
    if not title:
        raise refuse("the entry has no title", _shown(entry))
    observed_at_ms = _published_ms(entry)
    url = _url(entry)
    guid = _words(entry, "id")[:LONGEST_GUID] or None
    summary = plain_text(_words(entry, "summary"), longest=LONGEST_SUMMARY) or None
    return {
        "source": feed,
        "observed_at_ms": observed_at_ms,
        "collected_at_ms": collected_at_ms,
        "article_id": article_id(url=url, guid=guid, title=title, published_at_ms=observed_at_ms),
        "content_hash": content_hash(title, summary),
        "url": url or "",
        "guid": guid,
        "title": title,
        "summary": summary,
        "author": plain_text(_words(entry, "author"), longest=LONGEST_NAME) or None,
        "categories": _categories(entry),
    }


def _words(entry: Mapping[str, Any], name: str) -> str:
    found = entry.get(name)
    return found.strip() if isinstance(found, str) else ""


def _shown(entry: Mapping[str, Any]) -> dict[str, str]:
    """What a dead letter shows of an entry: the fields that we read."""
    return {name: _words(entry, name) for name in ("title", "link", "id", "published", "summary")}


def _published_ms(entry: Mapping[str, Any]) -> int:
    """Publication, else the last change, milliseconds UTC."""
    for name in ("published_parsed", "updated_parsed"):
        moment = entry.get(name)
        if moment is None:
            continue
        try:
            published_s = timegm(moment)
        except (ValueError, OverflowError):
            continue
        if published_s > 0:
            return published_s * 1000
    said = _words(entry, "published") or _words(entry, "updated")
    raise refuse(f"pubDate is {shown(said)}, not a time of the web's", _shown(entry))


def _url(entry: Mapping[str, Any]) -> str | None:
    """The canonical address, None where the entry has no link. Refuses what leads elsewhere."""
    link = _words(entry, "link")
    if not link:
        return None
    url = canonical_url(link)
    # RSS takes a guid for an address unless it says otherwise, and many feeds do not say.
    is_only_guid = bool(entry.get("guidislink")) and link == _words(entry, "id")
    if url is None and not is_only_guid:
        raise refuse(f"link is {shown(link)}, not an http or https address", _shown(entry))
    return url


def _categories(entry: Mapping[str, Any]) -> list[str]:
    """The feed's own, each once."""
    tags = entry.get("tags") or ()
    terms = (tag.get("term") for tag in tags if isinstance(tag, Mapping))
    words = (plain_text(term, longest=LONGEST_NAME) for term in terms if isinstance(term, str))
    return list(dict.fromkeys(word for word in words if word))[:MOST_CATEGORIES]
