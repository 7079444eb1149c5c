"""RSS 2.0 feeds `/rss/coindesk` and `/rss/cointelegraph`, with ETag and Last-Modified.

The two write as their models do: the one plain text, the other HTML in CDATA and links with
tracking parameters. A feed changes when an article comes or a headline is edited.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import blake2b
from xml.sax.saxutils import escape

from aiohttp import web

from simulator.answers import SIMULATION
from simulator.http_faults import WHOLE_BODY
from simulator.published import TOLD, Told
from simulator.scenario import FEEDS, Article

ITEMS = 30
TITLES = {"coindesk": "CoinDesk (simulated)", "cointelegraph": "Cointelegraph (simulated)"}
TRACKING = "?utm_source=rss_feed&utm_medium=rss&utm_campaign=rss_partner_inbound"


def rfc_822(at_ms: int) -> str:
    """A moment as feeds write it."""
    return format_datetime(datetime.fromtimestamp(at_ms // 1000, UTC))


def http_date(at_ms: int) -> str:
    """A moment as HTTP headers write it."""
    return format_datetime(datetime.fromtimestamp(at_ms // 1000, UTC), usegmt=True)


def cdata(text: str) -> str:
    """Text that may hold markup."""
    return f"<![CDATA[{text}]]>".replace("]]>]]>", "]]]]><![CDATA[>]]>")


def item(feed: str, article: Article, at_ms: int) -> str:
    """One article as its feed writes it."""
    title, link = article.title_at(at_ms), article.url
    if feed == "cointelegraph":
        link += TRACKING
        text = cdata(f'<p style="float:right;"><img src="{article.url}.jpg"></p>'
                     f"<p>{escape(article.summary)}</p>")  # fmt: skip
        title = cdata(escape(title))
    else:
        text, title = escape(article.summary), escape(title)
    categories = "".join(f"<category>{escape(one)}</category>" for one in article.categories)
    return (
        f"<item><title>{title}</title><link>{escape(link)}</link>"
        f'<guid isPermaLink="false">{escape(article.guid)}</guid>'
        f"<dc:creator>{escape(article.author)}</dc:creator>{categories}"
        f"<pubDate>{rfc_822(article.published_at_ms)}</pubDate>"
        f"<description>{text}</description></item>\n"
    )


def document(feed: str, articles: Sequence[Article], at_ms: int, changed_ms: int) -> bytes:
    """The whole feed."""
    items = "".join(item(feed, article, at_ms) for article in articles)
    title = escape(TITLES.get(feed, feed))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/">\n<channel>\n'
        f"<title>{title}</title><link>https://news.example/{feed}</link>"
        "<description>What the simulated market does, in words of our own.</description>"
        f"<lastBuildDate>{rfc_822(changed_ms)}</lastBuildDate><language>en</language>\n"
        f"{items}</channel>\n</rss>\n"
    ).encode()


def is_known(request: web.Request, etag: str, changed_ms: int | None) -> bool:
    """Whether the client holds this very feed. If-None-Match counts before the date."""
    held = request.headers.get("If-None-Match")
    if held is not None:
        return etag in {one.strip().removeprefix("W/") for one in held.split(",")}
    since = request.headers.get("If-Modified-Since")
    if since is None or changed_ms is None:
        return False
    try:
        return changed_ms // 1000 <= parsedate_to_datetime(since).timestamp()
    except ValueError:
        return False


async def rss(request: web.Request) -> web.Response:
    """`GET /rss/{feed}`."""
    feed, simulation = request.match_info["feed"], request.app[SIMULATION]
    if feed not in FEEDS:
        raise web.HTTPNotFound(text=f"no feed {feed}; known: {', '.join(FEEDS)}")
    now_ms = simulation.now_ms()
    articles = simulation.scenario.articles(feed, now_ms, ITEMS)
    changed_ms = max(
        (article.changed_at_ms(now_ms) for article in articles),
        default=simulation.scenario.start_ms,
    )
    body = document(feed, articles, now_ms, changed_ms)
    etag = f'"{blake2b(body, digest_size=8).hexdigest()}"'
    headers = {"ETag": etag, "Last-Modified": http_date(changed_ms)}
    if is_known(request, etag, changed_ms) and not request.get(WHOLE_BODY):
        return web.Response(status=304, headers=headers)
    response = web.Response(body=body, content_type="application/rss+xml", headers=headers)
    response[TOLD] = [
        Told("articles", feed, one.published_at_ms, (one.guid, one.title_at(now_ms)))
        for one in articles
    ]
    return response


ROUTES = (web.get("/rss/{feed}", rss),)
