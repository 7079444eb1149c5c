from typing import Any

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from agents.gaps import FIRST_AGAIN_S, LONGEST_AGAIN_S, Gap, GapLedger
from schemas.codec import decode, encode
from schemas.record_types import GAP
from tests.agents.fakes import START_MS

MARKETS = ("BTCUSDT", "ETHUSDT")


def ledger() -> GapLedger:
    return GapLedger("binance", coin_of=lambda symbol: "bitcoin", now_ms=lambda: START_MS)


def gap(from_id: int = 5, to_id: int = 9, **overrides: Any) -> Gap:
    fields = {"symbol": "BTCUSDT", "from_ms": 1, "to_ms": 2, "cause": "skipped", **overrides}
    return Gap(from_id=from_id, to_id=to_id, **fields)


def test_an_open_gap_is_recorded_once():
    book = ledger()
    (record,) = book.opened(gap())
    assert (record["state"], record["from_id"], record["to_id"]) == ("open", 5, 9)
    assert decode(encode(GAP, record))[1] == record
    assert book.opened(gap()) == []


def test_a_repaired_gap_counts_its_trades_over_all_attempts():
    book = ledger()
    book.opened(gap())
    book.progressed(gap(), 2, next_id=8)
    (further,) = book.open_gaps
    assert book.next_id(further) == 8  # one of the three was missing
    (record,) = book.repaired(further, 3)
    assert (record["state"], record["repaired_trades"]) == ("repaired", 5)
    assert book.open_gaps == ()
    assert book.repaired_trades == 5


def test_pauses_between_attempts_double_up_to_an_hour_and_heed_what_the_host_asks():
    book = ledger()
    book.opened(gap())
    pauses = []
    now_s = 0.0
    for _ in range(10):
        book.postpone(gap(), now_s)
        low, high = now_s, now_s + 2 * LONGEST_AGAIN_S
        while high - low > 0.5:
            middle = (low + high) / 2
            low, high = (low, middle) if book.due(middle, MARKETS) else (middle, high)
        pauses.append(high - now_s)
        now_s = high
    assert abs(pauses[0] - FIRST_AGAIN_S) < 1
    assert abs(pauses[1] - 2 * FIRST_AGAIN_S) < 1
    assert abs(pauses[-1] - LONGEST_AGAIN_S) < 1
    book.postpone(gap(), now_s, at_least_s=2 * LONGEST_AGAIN_S)
    assert book.due(now_s + 1.5 * LONGEST_AGAIN_S, MARKETS) is None


def test_a_gap_of_a_market_that_is_not_followed_waits():
    book = ledger()
    book.opened(gap())
    assert book.due(1.0, ("ETHUSDT",)) is None
    assert book.due(1.0, MARKETS) == gap()


def test_a_repair_closes_the_open_gaps_inside_it_and_no_others():
    book = ledger()
    for one in (gap(5, 9), gap(8, 12), gap(6, 6, symbol="ETHUSDT"), gap(20, 30)):
        book.opened(one)
    records = book.repaired(gap(4, 11), 8)
    assert [(one["from_id"], one["to_id"], one["state"]) for one in records] == [
        (4, 11, "repaired"),
        (5, 9, "repaired"),
    ]
    assert {held.key for held in book.open_gaps} == {
        ("BTCUSDT", 8, 12),
        ("ETHUSDT", 6, 6),
        ("BTCUSDT", 20, 30),
    }


def test_gaps_of_another_source_are_not_ours():
    book = ledger()
    book.recall([{**ledger().opened(gap())[0], "source": "kraken"}])
    assert book.open_gaps == ()


@hypothesis_settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["opened", "repaired", "missing", "progressed"]),
            st.sampled_from(MARKETS),
            st.integers(0, 3),
            st.integers(0, 2),
        ),
        max_size=40,
    )
)
def test_after_a_restart_the_topic_gives_back_exactly_what_was_open(steps: list[Any]):
    book = ledger()
    topic: list[Any] = []
    for what, symbol, place, trades in steps:
        key = (symbol, place * 10, place * 10 + 5)
        found = next((held for held in book.open_gaps if held.key == key), None)
        of = found or gap(key[1], key[2], symbol=symbol)
        if what == "opened":
            topic += book.opened(of)
        elif what == "missing":
            topic += book.missing(of)
        elif found is not None and what == "repaired":
            topic += book.repaired(of, trades)
        elif found is not None:
            topic += book.progressed(of, trades, next_id=of.from_id + trades)
    again = ledger()
    again.recall(decode(encode(GAP, record))[1] for record in topic)
    assert set(again.open_gaps) == set(book.open_gaps)
