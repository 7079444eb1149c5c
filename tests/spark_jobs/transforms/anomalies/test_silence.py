"""A source or market is silent by its own rule, as heartbeats tell it."""

from tests.spark_jobs.builders import START_MS
from tests.spark_jobs.transforms.anomalies.builders import a_heartbeat, in_sources, phases


def beats(until_s: int, source: str = "binance_trades", start_s: int = 0, **facts):
    return [a_heartbeat(n, source, **facts) for n in range(start_s, until_s, 10)]


def in_order(*rows):
    return in_sources(sorted(rows, key=lambda row: (row["second_ms"], row["source"])))


def test_sources_that_answer_are_not_silent():
    assert in_order(*beats(600), *beats(600, "coingecko")) == []


def test_a_source_without_a_good_answer_for_longer_than_its_limit_is_silent_until_the_next():
    mute = beats(200, start_s=100, last_success_at_ms=START_MS + 90_000)
    opened, *_, resolved = in_order(*beats(100), *mute, *beats(300, start_s=200))
    assert opened["started_at_ms"] == START_MS + 90_000
    assert opened["detected_at_ms"] == START_MS + 160_000
    assert (opened["threshold"], opened["unit"]) == (60, "s")
    assert resolved["phase"] == "resolved"
    assert resolved["resolved_at_ms"] == START_MS + 200_000


def test_a_limit_is_the_source_s_own():
    assert in_order(*beats(290, "coingecko", last_success_at_ms=START_MS)) == []
    assert in_order(*beats(400, "coingecko", last_success_at_ms=START_MS))


def test_an_agent_that_is_heard_of_no_more_while_others_are_is_silent():
    given = in_order(*beats(100), *beats(300, "coingecko"), *beats(340, start_s=300))
    assert {one["source"] for one in given} == {"binance_trades"}
    assert phases(given)[0] == "opened"
    assert phases(given)[-1] == "resolved"
    assert given[0]["detected_at_ms"] == START_MS + 160_000


def test_an_agent_that_is_off_or_done_is_not_silent():
    for state in ("off", "done"):
        still = beats(500, state=state, last_success_at_ms=START_MS)
        assert in_order(*still, *beats(900, "coingecko")) == []


def test_nobody_is_silent_because_the_platform_was_down():
    both = [*beats(100), *beats(100, "coingecko")]
    later = [*beats(7_300, start_s=7_200), *beats(7_300, "coingecko", start_s=7_201)]
    assert in_order(*both, *later) == []


def test_the_quick_heartbeats_of_a_start_are_not_the_usual_pause():
    """At speed 60: each agent beats twice at once, then every ten minutes."""
    agents = [(name, 40 * place) for place, name in enumerate("abcde")]
    quick = [a_heartbeat(after + n, name) for name, after in agents for n in (0, 20)]
    sped = [a_heartbeat(after + 600 * n, name) for n in range(1, 9) for name, after in agents]
    assert in_order(*quick, *sped) == []


def test_a_heartbeat_every_ten_minutes_is_usual_where_time_runs_fast():
    sped = [a_heartbeat(600 * n, source) for n in range(20) for source in ("a", "b")]
    assert in_order(*sped) == []


def test_a_market_is_silent_while_its_agent_says_so():
    named = beats(200, start_s=100, silent_symbols=["ETHUSDT"])
    opened, *_, resolved = in_order(*beats(100), *named, *beats(230, start_s=200))
    assert (opened["source"], opened["symbol"], opened["coin_id"]) == (
        "binance", "ETHUSDT", "ethereum",
    )  # fmt: skip
    assert opened["quote"] == "USDT"
    assert opened["started_at_ms"] == START_MS + 40_000
    assert resolved["resolved_at_ms"] == START_MS + 200_000
