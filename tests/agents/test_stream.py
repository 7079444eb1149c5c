import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from agents import buffer
from agents.gaps import GapLedger
from agents.intake import Intake
from agents.mending import Mender
from agents.repair import TradePages
from agents.sequence import TradeSequence
from agents.sources.binance_trades import BinanceTrades
from agents.stream import StreamRunner
from market.errors import Fatal, Retryable
from tests.agents.fakes import (
    START_MS,
    FakeClock,
    FakeConnect,
    FakeHttp,
    FakePublisher,
    FakeSocket,
    FakeVenue,
    answer,
    settings,
    trade_frame,
    trade_row,
)
from tests.agents.virtual_time import run

SYMBOLS = ("BTCUSDT", "ETHUSDT")
PAGE_ROWS = 7


class SmallPages(BinanceTrades):
    page_rows = PAGE_ROWS


class Trial:
    """A stream runner between fakes, run until its scripted connections are used up."""

    def __init__(
        self,
        *scripts: list[bytes],
        venue: Any,
        last: dict[str, int],
        unknown_since_ms: int | None = None,
    ) -> None:
        source = SmallPages(settings())
        clock = FakeClock()
        self.publisher = FakePublisher()
        self.http = FakeHttp(venue)
        self.connect = FakeConnect(*scripts)
        self.intake = Intake(source, publisher=self.publisher, clock=clock)
        sequence = TradeSequence(last)
        self.ledger = GapLedger(source.source, coin_of=source.coin_of, now_ms=clock.now_ms)
        self.runner = StreamRunner(
            source,
            connect=self.connect,
            mender=Mender(
                pages=TradePages(
                    source, upstream=self.http, intake=self.intake, clock=clock, max_pages=5
                ),
                intake=self.intake,
                sequence=sequence,
                ledger=self.ledger,
                newest_ms=None,
            ),
            intake=self.intake,
            sequence=sequence,
            clock=clock,
            unknown_since_ms=unknown_since_ms,
        )

    async def _until_finished(self) -> None:
        running = asyncio.create_task(self.runner.run())
        finished = asyncio.create_task(self.connect.finished.wait())
        await asyncio.wait({running, finished}, return_when=asyncio.FIRST_COMPLETED)
        finished.cancel()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    def run(self) -> list[dict[str, Any]]:
        with capture_logs() as self.logs:
            run(self._until_finished())
        return self.publisher.on("crypto-trades")

    def events(self, name: str) -> list[Any]:
        return [line for line in self.logs if line["event"] == name]


def ids(trades: list[dict[str, Any]], symbol: str = "BTCUSDT") -> list[int]:
    return [trade["trade_id"] for trade in trades if trade["symbol"] == symbol]


def venue(btc: int = 0, eth: int = 0) -> FakeVenue:
    return FakeVenue({"BTCUSDT": btc, "ETHUSDT": eth}, page_rows=PAGE_ROWS)


def test_live_trades_of_a_first_start_are_published_as_they_come():
    trial = Trial([trade_frame("BTCUSDT", n) for n in (5, 6, 7)], venue=venue(7), last={})
    assert ids(trial.run()) == [5, 6, 7]


def test_a_restart_takes_the_trades_since_the_last_known_id_before_live_ones():
    trial = Trial([trade_frame("BTCUSDT", 24)], venue=venue(23), last={"BTCUSDT": 3})
    assert ids(trial.run()) == list(range(4, 25))


def test_trades_caught_up_are_published_in_order_of_time_over_all_markets():
    both = FakeVenue({"BTCUSDT": 20, "ETHUSDT": 20}, page_rows=PAGE_ROWS)
    trades = Trial([], venue=both, last={"BTCUSDT": 2, "ETHUSDT": 5}).run()
    times = [trade["traded_at_ms"] for trade in trades]
    assert times == sorted(times)
    assert ids(trades) == list(range(3, 21))
    assert ids(trades, "ETHUSDT") == list(range(6, 21))


def test_a_jump_is_repaired_before_the_newer_trade_is_published():
    frames = [trade_frame("BTCUSDT", n) for n in (4, 9, 10)]
    trial = Trial(frames, venue=venue(3), last={"BTCUSDT": 3})
    trial.http._script.newest["BTCUSDT"] = 3

    def grow(request: Any) -> Any:
        return FakeVenue({"BTCUSDT": 10}, page_rows=PAGE_ROWS)(request)

    trial.http._script = grow
    assert ids(trial.run()) == list(range(4, 11))


def test_frames_that_repeat_or_come_late_pass_once():
    frames = [trade_frame("BTCUSDT", n) for n in (4, 5, 4, 5, 3, 6)]
    trial = Trial(frames, venue=venue(0), last={"BTCUSDT": 3})
    assert ids(trial.run()) == [4, 5, 6]
    assert trial.intake.counters.duplicate == 3


def test_trades_missed_between_two_connections_come_over_rest():
    trial = Trial(
        [trade_frame("BTCUSDT", 1)], [trade_frame("BTCUSDT", 31)], venue=venue(30), last={}
    )
    assert ids(trial.run()) == list(range(1, 32))
    assert trial.runner.connections == 2


def test_a_market_silent_so_far_is_asked_for_by_time_after_a_reconnect():
    trial = Trial(
        [trade_frame("BTCUSDT", 1)], [trade_frame("ETHUSDT", 4)], venue=venue(1, 3), last={}
    )
    assert ids(trial.run(), "ETHUSDT") == [1, 2, 3, 4]


def test_ids_that_rest_leaves_out_are_named_and_the_rest_goes_on():
    holed = venue(10)
    holed.absent = {("BTCUSDT", 6), ("BTCUSDT", 7)}
    trial = Trial([trade_frame("BTCUSDT", 11)], venue=holed, last={"BTCUSDT": 4})
    assert ids(trial.run()) == [5, 8, 9, 10, 11]
    (missing,) = trial.events("trades_missing")
    assert (missing["symbol"], missing["from_id"], missing["to_id"]) == ("BTCUSDT", 6, 7)


def test_a_hole_that_rest_cannot_fill_is_named_and_live_trades_go_on():
    trial = Trial(
        [trade_frame("BTCUSDT", 9), trade_frame("BTCUSDT", 10)],
        venue=lambda request: Fatal("451"),
        last={"BTCUSDT": 4},
    )
    assert ids(trial.run()) == [9, 10]
    (missing,) = trial.events("trades_missing")
    assert (missing["from_id"], missing["to_id"], missing["log_level"]) == (5, 8, "error")


def test_a_hole_longer_than_the_page_limit_is_named():
    trial = Trial(
        [trade_frame("BTCUSDT", 500)],
        venue=lambda request: (
            answer(request, [])
            if int(request.params.get("fromId", 0)) >= 40
            else venue(500)(request)
        ),
        last={"BTCUSDT": 0},
    )
    trades = ids(trial.run())
    (missing,) = trial.events("trades_missing")
    assert trades == [*range(1, missing["from_id"]), 500]
    assert missing["to_id"] == 499


def test_an_id_far_above_what_rest_knows_is_refused_and_the_market_goes_on():
    frames = [trade_frame("BTCUSDT", n, T=START_MS) for n in (4, 10**15, 5, 2**61, 6)]
    frames += [trade_frame("ETHUSDT", 1)]
    trial = Trial(frames, [trade_frame("BTCUSDT", 7)], venue=venue(6, 1), last={"BTCUSDT": 3})
    assert ids(trial.run()) == [4, 5, 6, 7]
    assert ids(trial.publisher.on("crypto-trades"), "ETHUSDT") == [1]
    letters = trial.publisher.on("crypto-dead-letters")
    assert [letter["reason"] for letter in letters] == ["impossible_value"] * 2
    assert "newest" in letters[0]["detail"]
    assert trial.events("trades_missing") == []


def test_a_trade_refused_because_rest_lags_comes_with_the_repair_after_it():
    late = venue(3)

    def lag(request: Any) -> Any:
        is_newest_asked = "fromId" not in request.params and request.params["symbol"] == "BTCUSDT"
        found = late(request)
        late.newest["BTCUSDT"] = 12 if is_newest_asked else late.newest["BTCUSDT"]
        return found

    frames = [trade_frame("BTCUSDT", 9)]
    trial = Trial(frames, [trade_frame("BTCUSDT", 13)], venue=lag, last={"BTCUSDT": 3})
    assert ids(trial.run()) == list(range(4, 14))
    assert trial.intake.counters.rejected == 1
    assert trial.events("trades_missing") == []


def test_a_host_that_is_briefly_away_is_waited_for_and_nothing_is_missing():
    failures = [Retryable("away", retry_after_s=20.0) for _ in range(3)]

    def script(request: Any) -> Any:
        return failures.pop() if failures else venue(9)(request)

    trial = Trial([trade_frame("BTCUSDT", 10)], venue=script, last={"BTCUSDT": 4})
    assert ids(trial.run()) == [5, 6, 7, 8, 9, 10]
    assert trial.http.asked_at_s[3] >= 60


def test_a_bad_frame_is_a_dead_letter_and_its_neighbours_pass():
    frames = [
        trade_frame("BTCUSDT", 1),
        b"<html>",
        trade_frame("ETHUSDT", 1, p="-5"),
        trade_frame("BTCUSDT", 2),
    ]
    trial = Trial(frames, venue=venue(), last={})
    assert ids(trial.run()) == [1, 2]
    letters = trial.publisher.on("crypto-dead-letters")
    assert [letter["reason"] for letter in letters] == ["impossible_value"] * 2
    assert trial.intake.counters.rejected == 2


def test_a_trade_whose_fills_do_not_join_on_is_kept_counted_and_its_market_named_once():
    frames = [trade_frame("BTCUSDT", n) for n in (4, 5)]
    frames += [trade_frame("BTCUSDT", 6, f=13), trade_frame("BTCUSDT", 7, f=15)]
    frames += [trade_frame("BTCUSDT", 8)]
    trial = Trial(frames, venue=venue(3), last={"BTCUSDT": 3})
    assert ids(trial.run()) == [4, 5, 6, 7, 8]
    (torn,) = trial.events("fills_torn")
    assert (torn["symbol"], torn["trade_id"]) == ("BTCUSDT", 6)
    assert trial.intake.counters.torn_fills == 2
    assert trial.intake.counters.rejected == 0


class OpenSocket(FakeSocket):
    """Gives its frames and stays open."""

    async def receive(self) -> bytes:
        if self._frames:
            return await super().receive()
        await asyncio.Event().wait()
        raise AssertionError("never woken")


class KafkaAway(FakePublisher):
    """Takes no record for so many seconds."""

    def __init__(self, away_s: float) -> None:
        super().__init__()
        self._away_s = away_s

    async def publish(self, record_type: Any, records: Any) -> list[Any]:
        self.waits += self._away_s > 0
        await asyncio.sleep(self._away_s)
        self._away_s = 0.0
        return await super().publish(record_type, records)


def stay_connected(trial: Trial, frames: list[bytes], *, publisher: FakePublisher) -> None:
    """Run one connection that stays open for a hundred seconds."""

    @asynccontextmanager
    async def connect(url: str) -> AsyncIterator[FakeSocket]:
        yield OpenSocket(frames)

    async def some_time() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(trial.runner.run(), 100)

    trial.runner._connect = connect
    trial.intake.publisher = publisher
    with capture_logs() as trial.logs:
        run(some_time())
    assert trial.runner.connections == 1


def test_while_kafka_is_away_frames_beyond_the_buffer_are_dropped_and_taken_from_rest_afterwards(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(buffer, "BUFFER_FRAMES", 3)
    trial = Trial(venue=venue(50), last={"BTCUSDT": 50})
    publisher = KafkaAway(60)

    def grow(request: Any) -> Any:
        return venue(59 if publisher.waits else 50)(request)

    trial.http._script = grow
    stay_connected(trial, [trade_frame("BTCUSDT", n) for n in range(51, 60)], publisher=publisher)
    (dropped,) = trial.events("frames_dropped")
    assert 0 < dropped["frames"] < 9
    (gap,) = publisher.on("crypto-gaps")
    assert (gap["cause"], gap["state"], gap["to_id"]) == ("kafka", "repaired", 59)
    assert gap["repaired_trades"] == 60 - gap["from_id"]
    assert ids(publisher.on("crypto-trades")) == list(range(51, 60))


def test_a_worker_that_is_only_busy_holds_the_socket_back_and_drops_nothing(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(buffer, "BUFFER_FRAMES", 3)
    trial = Trial(venue=venue(0), last={"BTCUSDT": 0})
    publisher = KafkaAway(5)
    stay_connected(trial, [trade_frame("BTCUSDT", n) for n in range(1, 60)], publisher=publisher)
    assert trial.events("frames_dropped") == []
    assert ids(publisher.on("crypto-trades")) == list(range(1, 60))


@hypothesis_settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    connections=st.integers(1, 4),
    drop=st.floats(0, 0.6),
    repeat=st.floats(0, 0.4),
    shuffle=st.integers(0, 12),
    known=st.integers(0, 30),
)
def test_drops_repeats_and_reorderings_give_every_trade_once_in_order(
    seed: int, *, connections: int, drop: float, repeat: float, shuffle: int, known: int
):
    chance = random.Random(seed)
    newest = {"BTCUSDT": 90, "ETHUSDT": 60}
    scripts: list[list[bytes]] = [[] for _ in range(connections)]
    for symbol, end in newest.items():
        arriving = [
            trade_id
            for trade_id in range(1, end + 1)
            if chance.random() >= drop
            for _ in range(2 if chance.random() < repeat else 1)
        ]
        arriving.sort(key=lambda trade_id: trade_id + chance.uniform(0, shuffle))
        for place, trade_id in enumerate(arriving):
            scripts[place * connections // len(arriving)].append(trade_frame(symbol, trade_id))
    last = {symbol: min(known, end) for symbol, end in newest.items()}
    expected = {symbol: list(range(last[symbol] + 1, end + 1)) for symbol, end in newest.items()}
    # REST knows half of each market at first and all of it once the first page has been read, so
    # that both catching up and repairing in mid-stream are met.
    partial = FakeVenue({symbol: end // 2 for symbol, end in newest.items()}, page_rows=PAGE_ROWS)
    asked = 0

    def grow(request: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked > 4:
            partial.newest = newest
        return partial(request)

    trial = Trial(*scripts, [], [], [], venue=grow, last=last)
    trades = trial.run()
    for symbol in SYMBOLS:
        assert ids(trades, symbol) == expected[symbol]
    assert trial.events("trades_missing") == []


def test_a_row_of_rest_is_stamped_like_a_frame():
    trial = Trial([trade_frame("BTCUSDT", 2)], venue=venue(1), last={"BTCUSDT": 0})
    from_rest, from_frame = trial.run()
    assert from_rest["traded_at_ms"] == trade_row(1)["T"]
    assert from_rest.keys() == from_frame.keys()
