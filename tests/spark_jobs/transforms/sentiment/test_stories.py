"""Stories: copies count once, edits replace, and cutting the stream changes nothing."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import Fatal
from spark_jobs.transforms.saved_state import packed
from spark_jobs.transforms.sentiment import stories
from spark_jobs.transforms.sentiment.stories import Stories, open_core
from tests.spark_jobs.transforms.sentiment.builders import HOUR_MS, NOON_MS, a_scored

DAY_MS = 24 * HOUR_MS
TITLES = (
    "Bitcoin climbs above its old peak as buyers return",
    "UPDATE: Bitcoin climbs above its old peak as buyers return",
    "Lender halts withdrawals after losses on bad loans",
    "Lender halts all withdrawals after losses on bad loans, traders say",
    "Minister wants a tax on mining farms",
)

SUMMARY = "Eight words or more are what a summary needs here, no less."


def news(rows):
    return [row for row in rows if row["row"] == "news"]


def hour(rows, coin_id=None, at_ms=NOON_MS):
    """The newest row of an hour."""
    kept = [row for row in rows if row["row"] == "sentiment" and row["time_ms"] == at_ms]
    return [row for row in kept if row["coin_id"] == coin_id][-1]


def test_twelve_copies_of_one_report_count_once():
    rows = Stories().step(
        a_scored(f"a{n}", source=f"feed{n}", observed_at_ms=NOON_MS + n * 60_000) for n in range(12)
    )
    assert [row["is_copy"] for row in news(rows)] == [False] + [True] * 11
    assert len({row["story_id"] for row in news(rows)}) == 1
    assert (hour(rows)["stories"], hour(rows)["articles"]) == (1, 12)
    assert (hour(rows)["score"], hour(rows)["positive"]) == (0.5, 1)


def test_a_feed_that_repeats_itself_adds_nothing():
    core = Stories()
    first = core.step([a_scored()])
    again = core.step([a_scored()] * 5)
    assert hour(again) == hour(first)
    assert news(again) == news(first) * 5


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"title": "Bitcoin hits a new peak", "coins": ["bitcoin"]},
         {"title": "Ethereum hits a new peak", "coins": ["ethereum"]}),
        ({"title": "Bitcoin climbs 2% in an hour to $30,000"},
         {"title": "Bitcoin climbs 3% in an hour to $31,000"}),
        ({"observed_at_ms": NOON_MS}, {"observed_at_ms": NOON_MS + 3 * DAY_MS}),
    ],
    ids=["other coins", "other numbers", "days later"],
)  # fmt: skip
def test_what_only_sounds_alike_is_another_story(one, other):
    rows = news(Stories().step([a_scored("a", **one), a_scored("b", **other)]))
    assert [row["is_copy"] for row in rows] == [False, False]


def test_an_edited_headline_replaces_the_mood_of_its_story():
    core = Stories()
    core.step([a_scored(), a_scored("b", source="other")])
    rows = core.step(
        [a_scored(title="Peak was a mistake", compound=-0.8, label="negative", coins=[])]
    )
    assert (hour(rows)["score"], hour(rows)["negative"], hour(rows)["positive"]) == (-0.8, 1, 0)
    gone = hour(rows, "bitcoin")
    assert (gone["stories"], gone["score"]) == (0, None)


def test_a_version_is_the_same_point_and_articles_of_one_millisecond_are_two():
    one, edited, other = news(
        Stories().step([a_scored("a"), a_scored("a", title="Quite another one"), a_scored("b")])
    )
    assert one["stamp_ns"] == edited["stamp_ns"] != other["stamp_ns"]
    assert {row["stamp_ns"] // 1_000_000 for row in (one, other)} == {NOON_MS}


def test_what_is_older_than_a_week_is_told_and_changes_no_hour():
    core = Stories()
    core.step([a_scored()])
    rows = core.step([a_scored("old", observed_at_ms=NOON_MS - 9 * DAY_MS, title="Long ago")])
    assert [row["row"] for row in rows] == ["news"]


def test_the_number_of_stories_is_bounded_and_closed_hours_stay_as_they_were(monkeypatch):
    monkeypatch.setattr(stories, "STORIES_AT_MOST", 3)
    core = Stories()
    words = ("lender halts", "minister resigns", "bridge drained", "whale wakes", "court rules")
    rows = [
        row
        for n, title in enumerate(words)
        for row in core.step([a_scored(f"a{n}", title=title, observed_at_ms=NOON_MS + n * HOUR_MS)])
    ]
    assert hour(rows)["stories"] == 1
    late = core.step([a_scored("late", title="nobody knew", observed_at_ms=NOON_MS)])
    assert [row["row"] for row in late] == ["news"]
    assert len(core.save()) < 5_000


def points(rows):
    """The last row of each point."""
    held = {}
    for row in rows:
        key = (row["row"], row.get("coin_id"), row.get("time_ms"), row.get("stamp_ns"))
        held[key] = {name: cell for name, cell in row.items() if name != "offset"}
    return held


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), borders=st.lists(st.integers(0, 60), max_size=6))
def test_cutting_the_stream_changes_nothing(seed, borders):
    rng = random.Random(seed)
    rows = [
        a_scored(
            f"a{rng.randrange(25)}",
            offset=offset,
            source=rng.choice(("coindesk", "other")),
            title=rng.choice(TITLES) + rng.choice(("", " 7", " 8")),
            summary=rng.choice((None, SUMMARY)),
            observed_at_ms=NOON_MS + rng.randrange(-4 * DAY_MS, 9 * DAY_MS, HOUR_MS // 2),
            coins=rng.choice(([], ["bitcoin"], ["bitcoin", "ethereum"])),
            compound=rng.choice((-0.5, 0.0, 0.5)),
        )
        for offset in range(60)
    ]
    whole = points(Stories().step(rows))
    state, given_rows = None, []
    for begin, end in pairwise([0, *sorted(borders), len(rows)]):
        core = open_core("*", state)
        given_rows += core.step(rows[begin:end])
        state = core.save()
    assert points(given_rows) == whole


def test_state_of_another_version_says_what_to_do():
    with pytest.raises((Fatal, ValueError)):
        Stories.restored(packed(99, []))
    with pytest.raises(Fatal, match="raise the `version`"):
        Stories.restored(b'{"version": 99}')
