"""A coin overtakes another when it is clearly and twice ahead; jitter never does."""

import random

from tests.spark_jobs.transforms.anomalies.builders import a_snapshot, in_ranking, phases


def polls(*caps: tuple[float, float], source: str = "coingecko"):
    """A poll a minute of `large` and `small`, billions of dollars."""
    return [
        a_snapshot(60 * n, coin_id=coin, market_cap_usd=cap * 1e9, source=source)
        for n, pair in enumerate(caps)
        for coin, cap in zip(("large", "small"), pair, strict=True)
    ]


def test_the_second_poll_ahead_makes_an_overtake():
    given = in_ranking(polls((10, 9), (10, 10.2), (10, 10.3)))
    (opened,) = given
    assert (opened["coin_id"], opened["other_coin_id"]) == ("small", "large")
    assert "passed large" in opened["sentence"]
    assert "number 1" in opened["sentence"]
    assert len(opened["coordinates"]) == 2


def test_one_poll_ahead_is_none():
    assert in_ranking(polls((10, 9), (10, 10.2), (10, 9.9), (10, 10.2), (10, 9.9))) == []


def test_coins_that_are_worth_the_same_never_overtake_one_another():
    rng = random.Random(3)
    jitter = [(10 + rng.uniform(-0.02, 0.02), 10 + rng.uniform(-0.02, 0.02)) for _ in range(500)]
    assert in_ranking(polls(*jitter)) == []


def test_the_way_back_ends_the_episode_and_is_one_of_its_own():
    given = in_ranking(polls((10, 9), (10, 11), (10, 11), (12, 11), (12, 11)))
    assert phases(given) == ["opened", "resolved", "opened"]
    assert given[2]["coin_id"] == "large"


def test_it_is_over_after_an_hour():
    given = in_ranking(polls((10, 9), *[(10, 10.5)] * 70))
    assert phases(given) == ["opened", "resolved"]


def test_each_source_has_a_ranking_of_its_own():
    other = polls((10, 11), (10, 11), (10, 11), source="coinmarketcap")
    rows = sorted([*polls((10, 9), (10, 9), (10, 9)), *other], key=lambda row: row["second_ms"])
    assert in_ranking(rows) == []


def test_the_same_poll_again_counts_once():
    ahead = polls((10, 9), (10, 10.2))
    assert in_ranking([*ahead, *ahead[2:]]) == []


def test_a_coin_without_a_market_cap_has_no_place():
    assert (
        in_ranking([a_snapshot(0, market_cap_usd=None), a_snapshot(60, market_cap_usd=None)]) == []
    )
