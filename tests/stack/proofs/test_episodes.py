"""How planted anomalies are held against episodes."""

from dataclasses import replace

from market.anomaly import KINDS
from stack.proofs.episodes import (
    CERTAIN,
    LEARNING_MS,
    MINUTE_MS,
    Episode,
    KindReport,
    Truth,
    holds,
    judge,
    precision,
)

FROM_MS = 1_767_571_200_000
LATER_MS = FROM_MS + LEARNING_MS + MINUTE_MS


def a_truth(kind: str = "price_move", **facts) -> Truth:
    named = {
        "coin_id": "solana",
        "symbol": "SOLUSDT",
        "other_coin_id": None,
        "started_at_ms": LATER_MS,
        "ended_at_ms": LATER_MS + MINUTE_MS,
        "is_planted": True,
    } | facts
    return Truth(kind=kind, **named)


def an_episode(kind: str = "price_move", **facts) -> Episode:
    named = {
        "anomaly_id": "a1",
        "source": "binance",
        "coin_id": "solana",
        "symbol": "SOLUSDT",
        "other_source": None,
        "other_symbol": None,
        "other_coin_id": None,
        "started_at_ms": LATER_MS,
        "detected_at_ms": LATER_MS + 20_000,
        "sentence": "It moved.",
    } | facts
    return Episode(kind=kind, **named)


def judged(truths: list[Truth], episodes: list[Episode], kind: str = "price_move") -> KindReport:
    return judge(truths, episodes, from_ms=FROM_MS, kinds=KINDS)[kind]


def test_what_was_planted_and_found_has_its_delay():
    report = judged([a_truth()], [an_episode()])
    assert (report.planted, report.found, report.right, report.doubled) == (1, 1, 1, 0)
    assert (report.delay_s_median, report.missed, report.false) == (20.0, [], [])


def test_an_episode_of_another_market_kind_or_hour_is_false_and_the_plant_missed():
    for wrong in (
        an_episode(symbol="SOLUSDC"),
        an_episode(coin_id="tron"),
        an_episode(started_at_ms=LATER_MS + 60 * MINUTE_MS),
    ):
        report = judged([a_truth()], [wrong])
        assert (report.found, report.right) == (0, 0)
        assert len(report.missed) == len(report.false) == 1


def test_a_plant_that_is_found_twice_is_doubled_and_so_is_an_id_that_is_listed_twice():
    other = an_episode(anomaly_id="a2", started_at_ms=LATER_MS + MINUTE_MS)
    assert judged([a_truth()], [an_episode(), other]).doubled == 1
    far = an_episode(started_at_ms=LATER_MS + 60 * MINUTE_MS)
    assert judged([a_truth()], [an_episode(), far]).doubled == 1


def test_what_follows_from_a_plant_may_be_found_and_need_not_be():
    follows = a_truth("volume", is_planted=False)
    assert judged([follows], [an_episode("volume")], "volume").right == 1
    silent = judged([follows], [], "volume")
    assert (silent.planted, silent.missed) == (0, [])


def test_a_divergence_counts_whichever_market_is_named_first():
    truth = a_truth("divergence", symbol="BTCUSDC")
    assert judged([truth], [an_episode("divergence", symbol="BTCUSDT")], "divergence").found == 1


def test_a_divergence_from_another_quote_is_another_episode_and_from_the_same_one_doubled():
    truth = a_truth("divergence", symbol="BTCUSDC")
    market = an_episode("divergence", symbol="BTCUSDC", other_symbol="BTCUSDT")
    snapshot = replace(market, anomaly_id="a2", other_source="coingecko", other_symbol=None)
    turned = replace(market, anomaly_id="a3", symbol="BTCUSDT", other_symbol="BTCUSDC")
    assert judged([truth], [market, snapshot], "divergence").doubled == 0
    assert judged([truth], [market, turned], "divergence").doubled == 1


def test_an_overtake_counts_only_of_the_same_pair_in_the_same_order():
    truth = a_truth("overtake", symbol=None, other_coin_id="tron")
    right = an_episode("overtake", symbol=None, other_coin_id="tron")
    turned = replace(right, coin_id="tron", other_coin_id="solana")
    assert judged([truth], [right], "overtake").found == 1
    assert judged([truth], [turned], "overtake").found == 0


def test_who_has_to_learn_what_is_usual_may_miss_what_came_before():
    early = {"started_at_ms": FROM_MS + MINUTE_MS, "ended_at_ms": FROM_MS + 2 * MINUTE_MS}
    whale = judged([a_truth("whale", **early)], [], "whale")
    assert (whale.planted, whale.early, whale.missed) == (0, 1, [])
    move = judged([a_truth(**early)], [])
    assert (move.planted, move.early, len(move.missed)) == (1, 0, 1)


def test_the_targets_hold_only_where_all_is_found_once_and_nearly_nothing_is_false():
    truths = [a_truth(kind) for kind in CERTAIN]
    found = [an_episode(kind, anomaly_id=kind) for kind in CERTAIN]
    assert holds(judge(truths, found, from_ms=FROM_MS, kinds=KINDS))
    assert not holds(judge(truths, found[1:], from_ms=FROM_MS, kinds=KINDS))
    wrong = an_episode("pump", anomaly_id="p")
    with_false = judge(truths, [*found, wrong], from_ms=FROM_MS, kinds=KINDS)
    assert precision(with_false) == 0.8
    assert not holds(with_false)
    twice = an_episode(CERTAIN[0], anomaly_id="again")
    assert not holds(judge(truths, [*found, twice], from_ms=FROM_MS, kinds=KINDS))


def test_nothing_found_at_all_is_no_success():
    assert not holds(judge([], [], from_ms=FROM_MS, kinds=KINDS))
