from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from agents.memory import Memory
from agents.source import Request
from agents.sources.rss import Rss
from market.errors import RecordRejected, Retryable
from schemas.codec import decode, encode
from schemas.record_types import ARTICLE
from tests.agents.fakes import answer, settings
from tests.agents.sources.recordings import FOLDER, recording

URL = "https://wire.example/rss"
OTHER = "https://post.example/feed"
NOW_MS = 1_800_000_000_000
REQUEST = Request(URL)
RSS_TYPE = "application/rss+xml; charset=utf-8"


def source(**overrides: Any) -> Rss:
    return Rss(settings(rss_feeds=f"wire={URL},post={OTHER}", **overrides))


def item(**overrides: str | None) -> str:
    fields = {
        "title": "Rivermint halts withdrawals",
        "link": "https://wire.example/news/rivermint?utm_source=rss&amp;utm_medium=feed",
        "guid": "wire-1",
        "pubDate": "Mon, 05 Jan 2026 12:00:00 +0000",
        "description": "The exchange says it is counting.",
        **overrides,
    }
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items() if text is not None)
    return f"<item>{inner}</item>"


def feed(*items: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    return (
        f'{head}<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
        f"<title>Wire</title>{''.join(items)}</channel></rss>"
    ).encode()


def parsed(body: bytes, *, content_type: str = RSS_TYPE, of: Rss | None = None) -> list[Any]:
    headers = {"content_type": content_type} if content_type else {}
    return list((of or source()).parse(answer(REQUEST, body, **headers), NOW_MS))


def only(**overrides: str | None) -> Any:
    (outcome,) = parsed(feed(item(**overrides)))
    return outcome


def test_an_item_becomes_an_article_of_its_feed():
    record = only(category="Exchanges")
    assert record["source"] == "wire"
    assert record["title"] == "Rivermint halts withdrawals"
    assert record["summary"] == "The exchange says it is counting."
    assert record["url"] == "https://wire.example/news/rivermint"
    assert record["observed_at_ms"] == 1_767_614_400_000
    assert record["categories"] == ["Exchanges"]
    assert decode(encode(ARTICLE, record)) == (ARTICLE, record)


def test_an_edited_headline_is_a_new_version_of_the_same_article():
    first, edited = only(), only(title="Rivermint resumes withdrawals")
    assert first["article_id"] == edited["article_id"]
    assert first["content_hash"] != edited["content_hash"]
    memory = Memory(Rss.memory)
    assert [memory.admit(one) for one in (first, edited, first, edited)] == [True, True] + [
        False
    ] * 2


@pytest.mark.parametrize(
    "link",
    [
        "https://wire.example/news/rivermint",
        "http://wire.example/news/rivermint/",
        "https://WIRE.example:443/news/rivermint?fbclid=x#top",
        "https://wire.example/news/rivermint?utm_campaign=partner",
    ],
)
def test_the_same_address_with_other_tracking_is_the_same_article(link: str):
    assert only(link=link, guid="another")["article_id"] == only()["article_id"]


def test_another_address_is_another_article():
    link = "https://wire.example/news/rivermint?page=2"
    assert only(link=link)["article_id"] != only()["article_id"]


def test_without_an_address_the_guid_names_the_article():
    first = only(link=None)
    assert only(link=None, title="Another headline")["article_id"] == first["article_id"]
    assert only(link=None, guid="wire-2")["article_id"] != first["article_id"]
    assert first["url"] == ""


def test_without_address_and_guid_the_title_of_the_day_names_the_article():
    bare = {"link": None, "guid": None}
    first = only(**bare)
    assert only(**bare, title="RIVERMINT  halts withdrawals!")["article_id"] == first["article_id"]
    next_day = only(**bare, pubDate="Tue, 06 Jan 2026 12:00:00 +0000")
    assert next_day["article_id"] != first["article_id"]


def test_markup_is_taken_out_and_words_stay_apart():
    markup = (
        "<![CDATA[<p style='x'>Volume <b>fell</b>.</p><ul><li>BTC &lt; ETH</li><li>AT&amp;T</li>"
        "</ul><script>steal()</script><style>p {}</style><img src=x onerror=y>done]]>"
    )
    assert only(description=markup)["summary"] == "Volume fell. BTC < ETH AT&T done"


def test_a_headline_in_cdata_or_escaped_is_plain_text():
    assert only(title="<![CDATA[Fees & <i>floors</i>]]>")["title"] == "Fees & floors"
    assert only(title="Fees &amp; &lt;i&gt;floors&lt;/i&gt;")["title"] == "Fees & floors"


def test_an_empty_dublin_core_description_hides_no_description():
    body = feed(item()[: -len("</item>")] + "<dc:description/></item>")
    assert parsed(body)[0]["summary"] == "The exchange says it is counting."


def test_long_texts_are_cut_at_a_word():
    record = only(title="word " * 1_000, description="word " * 10_000)
    assert len(record["title"]) <= 1_000
    assert len(record["summary"]) <= 10_000
    assert record["title"].endswith("word…")


@pytest.mark.parametrize(
    "fault",
    [
        {"title": None},
        {"title": "<![CDATA[<img src=x>]]>"},
        {"pubDate": None},
        {"pubDate": "yesterday"},
        {"pubDate": "Mon, 05 Jan 1950 12:00:00 +0000"},
        {"link": "javascript:alert(1)"},
        {"link": "file:///etc/passwd"},
        {"link": "/news/relative"},
        {"link": "http://"},
        {"link": "https://wire.example/" + "a" * 3_000},
    ],
)
def test_an_entry_that_cannot_be_is_refused_and_its_neighbours_pass(fault: dict[str, Any]):
    good = item(link="https://wire.example/other")
    first, refused, last = parsed(feed(good, item(**fault), item()))
    assert isinstance(refused, RecordRejected)
    assert refused.reason == "impossible_value"
    assert refused.payload
    assert (first["url"], last["url"]) == (
        "https://wire.example/news/rivermint",
        "https://wire.example/other",
    )


def test_articles_come_in_the_order_of_their_publication():
    older = item(link="https://wire.example/a", pubDate="Sun, 04 Jan 2026 12:00:00 +0000")
    times = [record["observed_at_ms"] for record in parsed(feed(item(), older))]
    assert times == sorted(times)


def test_times_with_a_zone_are_utc():
    assert only(pubDate="Mon, 05 Jan 2026 07:00:00 -0500")["observed_at_ms"] == 1_767_614_400_000


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<!doctype html><html><body>Just a moment...</body></html>", "text/html"),
        (b"<!doctype html><html><body>Just a moment...</body></html>", ""),
        (feed(item()), "text/html; charset=utf-8"),
        (b'{"error": "no"}', "application/json"),
        (b'{"error": "no"}', ""),
        (b"", ""),
        (b"<note>hello</note>", "text/xml"),
        (b"\x00\x01\x02", ""),
        (b"\xff\xfe<\x00r", "application/xml"),
        ("\ufeff<rss>".encode("utf-32"), "application/xml"),
        (feed(item(), head='<?xml version="1.0" encoding="punycode"?>'), "text/xml"),
        (feed(item(), head='<?xml version="1.0" encoding="zip"?>'), "text/xml"),
    ],
)
def test_a_page_instead_of_a_feed_is_an_outage_and_not_a_day_without_news(
    body: bytes, content_type: str
):
    with pytest.raises(Retryable, match=r"wire\.example"):
        parsed(body, content_type=content_type)


def test_a_feed_without_items_is_a_day_without_news():
    assert parsed(feed()) == []


@pytest.mark.parametrize(
    "content_type", [RSS_TYPE, "text/xml", "application/xml", "", "text/plain"]
)
def test_publishers_names_for_a_feed_are_taken(content_type: str):
    assert len(parsed(feed(item()), content_type=content_type)) == 1


BILLION_LAUGHS = (
    '<!DOCTYPE rss [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1 if n > 1 else str()};" * 10}">' for n in range(1, 10))
    + "]>"
)
BOMBS = {
    "billion laughs": BILLION_LAUGHS,
    "quadratic": f'<!DOCTYPE rss [<!ENTITY a "{"x" * 100_000}">]>',
    "external file": '<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    "external address": '<!DOCTYPE rss [<!ENTITY a SYSTEM "http://127.0.0.1:1/x">]>',
    "parameter entity": '<!DOCTYPE rss [<!ENTITY % a SYSTEM "http://127.0.0.1:1/x"> %a;]>',
    "after a comment": '<!-- <rss> --><!DOCTYPE rss [<!ENTITY a "x">]>',
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_an_xml_bomb_is_refused_before_it_is_parsed(bomb: str, encoding: str):
    head = f'<?xml version="1.0" encoding="{encoding}"?>{bomb}'
    body = feed(item(title="&a9;&a;" * 1_000), head=head).decode().encode(encoding)
    began = perf_counter()
    with pytest.raises(Retryable, match="declares entities"):
        parsed(body)
    assert perf_counter() - began < 0.2


def test_a_document_of_tags_alone_is_refused_before_it_is_parsed():
    began = perf_counter()
    with pytest.raises(Retryable, match="tags"):
        parsed(feed("<a>" * 3_000_000))
    assert perf_counter() - began < 1


def test_a_bomb_hidden_by_seven_bit_characters_is_words_and_no_markup():
    body = feed(item(), head='<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-ENTITY a "x">')
    with pytest.raises(Retryable):
        parsed(body)


def test_an_external_document_type_is_not_fetched():
    head = '<?xml version="1.0"?><!DOCTYPE rss SYSTEM "http://127.0.0.1:1/rss.dtd">'
    assert parsed(feed(item(), head=head))[0]["title"] == "Rivermint halts withdrawals"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_a_feed_is_read_in_its_own_encoding(encoding: str):
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    body = feed(item(title="Café gains 5 %"), head=head).decode().encode(encoding)
    assert parsed(body)[0]["title"] == "Café gains 5 %"


@pytest.mark.parametrize("junk", [b"\x1f\x8bjunk", b"<html>", b"</rss>", b"<item><title>"])
def test_junk_after_the_root_costs_no_article(junk: bytes):
    assert parsed(feed(item()) + junk)[-1]["title"] == "Rivermint halts withdrawals"


def test_a_malformed_feed_gives_what_it_still_holds():
    assert len(parsed(feed(item(title="Fees & floors"), item(link="https://wire.example/b")))) == 2


def test_atom_is_read_as_well():
    body = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Wire</title><entry>
        <title>Fees fall</title><id>urn:1</id><link href="https://wire.example/fees"/>
        <updated>2026-01-05T12:00:00Z</updated><summary type="html">&lt;p&gt;Low&lt;/p&gt;</summary>
        </entry></feed>"""
    (record,) = parsed(body, content_type="application/atom+xml")
    assert (record["title"], record["summary"]) == ("Fees fall", "Low")
    assert record["observed_at_ms"] == 1_767_614_400_000


def test_the_next_request_asks_only_for_a_change():
    feeds = source()
    response = answer(
        REQUEST, feed(item()), content_type=RSS_TYPE, etag='"v1"', last_modified="Mon, 05 Jan 2026"
    )
    assert len(list(feeds.parse(response, NOW_MS))) == 1
    before, _ = feeds.requests({})
    assert "If-None-Match" not in before.headers
    feeds.taken(response)
    changed, other = feeds.requests({})
    assert changed.headers["If-None-Match"] == '"v1"'
    assert changed.headers["If-Modified-Since"] == "Mon, 05 Jan 2026"
    assert "If-None-Match" not in other.headers
    assert list(feeds.parse(answer(changed, b"", status=304), NOW_MS)) == []


def test_304_to_a_request_without_a_condition_is_an_outage():
    with pytest.raises(Retryable, match="304"):
        list(source().parse(answer(REQUEST, b"", status=304), NOW_MS))


def test_a_feed_with_an_article_of_the_future_is_read_whole_until_its_time():
    feeds = source()
    response = answer(
        REQUEST,
        feed(item(pubDate="Mon, 05 Jan 2099 12:00:00 +0000")),
        content_type=RSS_TYPE,
        etag='"v1"',
    )
    assert len(list(feeds.parse(response, NOW_MS))) == 1
    feeds.taken(response)
    asked, _ = feeds.requests({})
    assert "If-None-Match" not in asked.headers


def test_without_a_feed_the_agent_is_off_and_says_so():
    assert "CRYPTOVIZ_RSS_FEEDS" in str(Rss(settings(rss_feeds="")).off_because())
    assert source().off_because() is None


def recorded() -> list[str]:
    return sorted(str(path.relative_to(FOLDER)) for path in FOLDER.glob("rss/**/*.xml"))


def test_the_recorded_feeds_parse():
    names = recorded()
    if not names:
        pytest.skip("no recordings ../shared/data/rss beside the project")
    for name in names:
        body = recording(name)
        outcomes = parsed(body)
        articles = [one for one in outcomes if not isinstance(one, RecordRejected)]
        print(f"{name}: {len(articles)} articles, {len(outcomes) - len(articles)} refused")
        assert len(articles) == len(outcomes) == body.count(b"<item>")
        assert len({one["article_id"] for one in articles}) == len(articles)
        assert sum(one["summary"] is not None for one in articles) >= 0.9 * len(articles)
        for record in articles:
            assert decode(encode(ARTICLE, record)) == (ARTICLE, record)
            assert "utm_" not in record["url"]
            assert not {"<", ">"} & {*record["title"], *(record["summary"] or "")}


def test_the_recordings_folder_is_beside_the_project_and_not_in_it():
    assert Path(__file__).resolve().parents[3] not in FOLDER.parents


def test_a_feed_that_was_cut_short_is_asked_again_because_its_last_headline_may_be_half_of_one():
    whole = feed(item(), item(guid="wire-2", title="Half of this is not a headline"))
    for length in (len(whole) - 10, whole.index(b"Half of") + 4):
        with pytest.raises(Retryable, match=r"ends before its end|no feed"):
            parsed(whole[:length])
