"""Lines that are replaced: at their age, on the venue's word, for other markets, when deaf."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs

from agents import mending
from agents.gaps import Gap, GapLedger
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
    FakeHttp,
    FakePublisher,
    FakeVenue,
    answer,
    settings,
    trade_frame,
)
from tests.agents.virtual_time import now_s, run

FAREWELL = b'{"e":"serverShutdown","E":1770000000000}'


class RunningClock(FakeClock):
    def now_ms(self) -> int:
        return START_MS + int(now_s() * 1000)


class LiveVenue:
    """A venue whose markets trade once a second; each socket brings what happens while it is open
    to the markets that it names."""

    def __init__(self) -> None:
        self.rest = FakeVenue({"BTCUSDT": 0, "ETHUSDT": 0, "SOLUSDT": 0})
        self.sockets: list[tuple[str, asyncio.Queue[Any]]] = []
        self.most_open = 0
        self.opened_urls: list[str] = []
        self.mute: set[str] = set()
        self.still: set[str] = set()
        self.status = "TRADING"
        self.is_rest_away = False

    def script(self, request: Any) -> Any:
        if self.is_rest_away:
            return Retryable("away")
        if "exchangeInfo" in request.url:
            return answer(request, {"symbols": [{"status": self.status}]})
        return self.rest(request)

    async def trade_for(self, seconds: int) -> None:
        for _ in range(seconds):
            await asyncio.sleep(1)
            for symbol in self.rest.newest:
                if symbol not in self.still:
                    self.rest.newest[symbol] += 1
                    self.send(symbol, trade_frame(symbol, self.rest.newest[symbol]))

    def send(self, symbol: str, frame: bytes) -> None:
        for url, frames in self.sockets:
            if symbol.lower() in url and symbol not in self.mute:
                frames.put_nowait(frame)

    def tell_all(self, item: Any) -> None:
        for _, frames in self.sockets:
            frames.put_nowait(item)

    @asynccontextmanager
    async def connect(self, url: str) -> AsyncIterator[Any]:
        frames: asyncio.Queue[Any] = asyncio.Queue()
        held = (url, frames)
        self.sockets.append(held)
        self.opened_urls.append(url)
        self.most_open = max(self.most_open, len(self.sockets))
        try:
            yield LiveSocket(frames)
        finally:
            self.sockets.remove(held)


class LiveSocket:
    def __init__(self, frames: asyncio.Queue[Any]) -> None:
        self._frames = frames

    async def receive(self) -> bytes:
        found = await self._frames.get()
        if isinstance(found, Exception):
            raise found
        return bytes(found)


class Trial:
    def __init__(
        self,
        *,
        followed: Callable[[], Any] = lambda: None,
        last: dict[str, int] | None = None,
        **own: Any,
    ) -> None:
        self.venue = LiveVenue()
        self.publisher = FakePublisher()
        source = BinanceTrades(settings(**own))
        clock = RunningClock()
        intake = Intake(source, publisher=self.publisher, clock=clock)
        sequence = TradeSequence({"BTCUSDT": 0, "ETHUSDT": 0} if last is None else last)
        self.ledger = GapLedger("binance", coin_of=source.coin_of, now_ms=clock.now_ms)
        pages = TradePages(
            source, upstream=FakeHttp(self.venue.script), intake=intake, clock=clock, max_pages=5
        )
        self.runner = StreamRunner(
            source,
            connect=self.venue.connect,
            mender=Mender(
                pages=pages, intake=intake, sequence=sequence, ledger=self.ledger, newest_ms=None
            ),
            intake=intake,
            sequence=sequence,
            clock=clock,
            unknown_since_ms=None,
            followed=followed,
        )

    def run(self, story: Callable[["Trial"], Any]) -> None:
        async def told() -> None:
            running = asyncio.create_task(self.runner.run())
            await asyncio.sleep(0.5)
            await story(self)
            await asyncio.sleep(5)
            assert not running.done()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

        with capture_logs() as self.logs:
            run(told())

    def ids(self, symbol: str = "BTCUSDT") -> list[int]:
        trades = self.publisher.on("crypto-trades")
        return [trade["trade_id"] for trade in trades if trade["symbol"] == symbol]

    @property
    def gaps(self) -> list[Any]:
        return self.publisher.on("crypto-gaps")


def test_an_old_line_is_replaced_before_it_is_dropped_and_no_trade_is_missing_or_doubled():
    trial = Trial(binance_stream_max_age_s=20)
    trial.run(lambda it: it.venue.trade_for(50))
    assert trial.ids() == list(range(1, 51))
    assert trial.venue.most_open == 2
    assert len(trial.venue.opened_urls) == 3
    assert trial.gaps == []


def test_the_venue_s_farewell_is_answered_by_a_new_line_before_the_cut():
    async def story(it: Trial) -> None:
        await it.venue.trade_for(3)
        it.venue.tell_all(FAREWELL)
        await it.venue.trade_for(10)

    trial = Trial()
    trial.run(story)
    assert trial.ids() == list(range(1, 14))
    assert trial.venue.most_open == 2
    assert trial.gaps == []
    assert trial.publisher.on("crypto-dead-letters") == []


def test_a_line_that_is_cut_while_it_is_replaced_leaves_no_hole():
    async def story(it: Trial) -> None:
        await it.venue.trade_for(3)
        it.venue.tell_all(FAREWELL)
        await it.venue.trade_for(2)
        it.venue.sockets[0][1].put_nowait(Retryable("cut"))
        await it.venue.trade_for(10)

    trial = Trial()
    trial.run(story)
    assert trial.ids() == list(range(1, 16))
    assert len(trial.venue.opened_urls) == 2


def test_changed_markets_are_followed_without_a_loss_in_those_that_stay():
    wanted: list[str] = []

    async def story(it: Trial) -> None:
        await it.venue.trade_for(5)
        wanted.extend(["BTCUSDT", "SOLUSDT"])
        await it.venue.trade_for(20)

    trial = Trial(followed=lambda: tuple(wanted) or None)
    trial.run(story)
    assert trial.ids() == list(range(1, 26))
    sol, eth = trial.ids("SOLUSDT"), trial.ids("ETHUSDT")
    assert sol == list(range(sol[0], 26))
    assert sol[0] <= 10
    assert eth == list(range(1, eth[-1] + 1))
    assert eth[-1] <= 12
    assert "ethusdt" not in trial.venue.opened_urls[-1]
    assert trial.publisher.on("crypto-dead-letters") == []


def test_a_stream_that_does_not_bring_one_market_s_trades_is_replaced_and_the_hole_repaired():
    async def story(it: Trial) -> None:
        await it.venue.trade_for(30)
        it.venue.mute.add("ETHUSDT")
        await it.venue.trade_for(70)
        it.venue.mute.clear()
        await it.venue.trade_for(10)

    trial = Trial()
    trial.run(story)
    assert trial.ids("ETHUSDT") == list(range(1, 111))
    assert len(trial.venue.opened_urls) >= 2
    assert {(gap["state"], gap["cause"]) for gap in trial.gaps} <= {
        ("repaired", "reconnect"),
        ("repaired", "skipped"),
    }
    assert trial.gaps


def test_a_market_that_falls_deaf_after_its_silence_was_found_rightful_is_found_all_the_same():
    async def story(it: Trial) -> None:
        await it.venue.trade_for(30)
        it.venue.still = {"ETHUSDT"}
        await it.venue.trade_for(80)
        it.venue.mute.add("ETHUSDT")
        it.venue.still = set()
        await it.venue.trade_for(60)
        it.venue.mute.clear()
        await it.venue.trade_for(10)

    trial = Trial()
    trial.run(story)
    assert trial.ids("ETHUSDT") == list(range(1, 101))
    assert len(trial.venue.opened_urls) == 2


def test_a_silence_that_could_not_be_checked_is_checked_later():
    async def story(it: Trial) -> None:
        await it.venue.trade_for(30)
        it.venue.mute.add("ETHUSDT")
        it.venue.is_rest_away = True
        await it.venue.trade_for(200)
        it.venue.is_rest_away = False
        await it.venue.trade_for(200)

    trial = Trial()
    trial.run(story)
    assert any(line["event"] == "silence_unchecked" for line in trial.logs)
    assert trial.ids("ETHUSDT")[-1] > 230


def test_a_market_that_has_not_traded_since_the_first_start_is_not_taken_for_a_deaf_one():
    async def story(it: Trial) -> None:
        it.venue.still = {"ETHUSDT"}
        await it.venue.trade_for(400)

    trial = Trial(last={})
    trial.venue.rest.newest["ETHUSDT"] = 500
    trial.run(story)
    assert len(trial.venue.opened_urls) == 1
    assert trial.ids("ETHUSDT") == []


@pytest.mark.parametrize(("status", "named"), [("TRADING", ("ETHUSDT",)), ("BREAK", ())])
def test_a_market_without_trades_is_named_unless_it_is_delisted(status: str, named: Any):
    async def story(it: Trial) -> None:
        await it.venue.trade_for(30)
        it.venue.status = status
        it.venue.still = {"ETHUSDT"}
        await it.venue.trade_for(100)
        assert it.runner.silence.silent == named

    trial = Trial()
    trial.run(story)
    assert len(trial.venue.opened_urls) == 1


def test_a_line_that_brings_nothing_at_all_is_replaced():
    async def story(it: Trial) -> None:
        await it.venue.trade_for(10)
        it.venue.mute.update({"BTCUSDT", "ETHUSDT"})
        await it.venue.trade_for(80)
        it.venue.mute.clear()
        await it.venue.trade_for(10)

    trial = Trial()
    trial.run(story)
    assert trial.ids() == list(range(1, 101))
    assert len(trial.venue.opened_urls) == 2


def test_a_routine_repair_at_the_start_is_one_repaired_gap_a_market():
    trial = Trial(last={"BTCUSDT": 3, "ETHUSDT": 0})
    trial.venue.rest.newest.update({"BTCUSDT": 9})
    trial.run(lambda it: it.venue.trade_for(3))
    assert trial.ids() == list(range(4, 13))
    (gap,) = trial.gaps
    assert (gap["symbol"], gap["from_id"], gap["to_id"]) == ("BTCUSDT", 4, 9)
    assert (gap["state"], gap["cause"], gap["repaired_trades"]) == ("repaired", "restart", 6)


def test_a_long_catch_up_marks_what_it_has_repaired_on_the_way(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mending, "MARK_EVERY_TRADES", 700)
    trial = Trial(last={"BTCUSDT": 3, "ETHUSDT": 9})
    trial.venue.rest.newest.update({"BTCUSDT": 2_000, "ETHUSDT": 600})
    trial.venue.rest.absent = {("BTCUSDT", one) for one in (4, 800)}
    asked: list[int] = []

    def third_page_never_comes(request: Any) -> Any:
        asked.append(1)
        return Fatal("the process ends here") if len(asked) > 3 else trial.venue.rest(request)

    trial.runner.mender.pages._upstream = FakeHttp(third_page_never_comes)

    async def story(it: Trial) -> None:
        await asyncio.sleep(1)

    trial.run(story)
    parts = [gap for gap in trial.gaps if gap["state"] == "repaired"]
    assert len([gap for gap in parts if gap["symbol"] == "BTCUSDT"]) > 1
    for symbol, first_id in (("BTCUSDT", 4), ("ETHUSDT", 10)):
        held = trial.ids(symbol)
        of_market = [gap for gap in parts if gap["symbol"] == symbol]
        assert sum(gap["repaired_trades"] for gap in of_market) == len(held)
        assert (of_market[0]["from_id"], of_market[-1]["to_id"]) == (first_id, held[-1])
        for one, after in pairwise(of_market):
            assert after["from_id"] == one["to_id"] + 1


def test_a_hole_that_rest_cannot_fill_now_is_open_and_filled_later():
    async def story(it: Trial) -> None:
        await it.venue.trade_for(3)
        it.venue.is_rest_away = True
        it.venue.mute.add("BTCUSDT")
        await it.venue.trade_for(4)
        it.venue.mute.clear()
        await it.venue.trade_for(200)
        (held,) = it.ledger.open_gaps
        assert (held.from_id, held.to_id) == (4, 7)
        it.venue.is_rest_away = False
        await it.venue.trade_for(200)

    trial = Trial()
    trial.run(story)
    assert sorted(trial.ids()) == list(range(1, 408))
    assert [gap["state"] for gap in trial.gaps] == ["open", "repaired"]
    assert trial.gaps[-1]["repaired_trades"] == 4
    assert trial.ledger.open_gaps == ()


def test_an_open_gap_of_the_last_process_is_asked_for_again():
    trial = Trial(last={"BTCUSDT": 20, "ETHUSDT": 0})
    trial.venue.rest.newest["BTCUSDT"] = 20
    trial.venue.rest.absent = {("BTCUSDT", 7)}

    async def story(it: Trial) -> None:
        held = Gap("BTCUSDT", 5, 9, 1, 2, "reconnect", repaired_trades=1)
        before = GapLedger("binance", coin_of=lambda symbol: "bitcoin", now_ms=lambda: START_MS)
        it.ledger.recall(before.opened(held))
        await it.venue.trade_for(10)

    trial.run(story)
    assert sorted(trial.ids())[:3] == [6, 8, 9]
    states = {(gap["from_id"], gap["to_id"]): gap["state"] for gap in trial.gaps}
    assert states == {(7, 7): "upstream_missing", (5, 9): "repaired"}


def test_an_attempt_that_is_cut_off_behind_missing_ids_doubles_nothing_later():
    trial = Trial(last={"BTCUSDT": 5_000, "ETHUSDT": 0})
    trial.venue.rest.newest["BTCUSDT"] = 5_000
    trial.venue.rest.absent = {("BTCUSDT", one) for one in range(10, 500)}
    pages = 0

    def second_page_fails(request: Any) -> Any:
        nonlocal pages
        first = int(request.params.get("fromId", 0))
        pages += 500 <= first < 3_000
        if pages == 1:
            return Fatal("away")
        return trial.venue.rest(request)

    trial.venue.script = second_page_fails  # type: ignore[method-assign]
    trial.runner.mender.pages._upstream = FakeHttp(second_page_fails)

    async def story(it: Trial) -> None:
        before = GapLedger("binance", coin_of=lambda symbol: "bitcoin", now_ms=lambda: START_MS)
        it.ledger.recall(before.opened(Gap("BTCUSDT", 5, 2_000, 1, 2, "kafka")))
        await it.venue.trade_for(120)

    trial.run(story)
    mended = [one for one in trial.ids() if one <= 2_000]
    assert mended == [*range(5, 10), *range(500, 2_001)]
    assert trial.gaps[-1]["state"] == "repaired"
    assert trial.gaps[-1]["repaired_trades"] == len(mended)


def test_an_empty_answer_of_rest_leaves_a_gap_open_because_it_proves_nothing():
    async def story(it: Trial) -> None:
        newest = it.venue.rest.newest.copy()
        before = GapLedger("binance", coin_of=lambda symbol: "bitcoin", now_ms=lambda: START_MS)
        it.ledger.recall(before.opened(Gap("BTCUSDT", 5, 9, 1, 2, "kafka")))
        it.venue.rest.newest.clear()
        it.venue.send("ETHUSDT", trade_frame("ETHUSDT", 4))
        await asyncio.sleep(20)
        assert len(it.ledger.open_gaps) == 2
        it.venue.rest.newest.update(newest, ETHUSDT=4)
        await it.venue.trade_for(100)

    trial = Trial(last={"BTCUSDT": 20, "ETHUSDT": 0})
    trial.venue.rest.newest["BTCUSDT"] = 20
    trial.run(story)
    assert sorted(trial.ids())[:5] == [5, 6, 7, 8, 9]
    assert sorted(trial.ids("ETHUSDT"))[:4] == [1, 2, 3, 4]
    assert {gap["state"] for gap in trial.gaps} == {"open", "repaired"}
    assert trial.ledger.open_gaps == ()


def test_an_absurd_first_id_of_an_unknown_market_does_not_make_its_real_trades_old():
    async def story(it: Trial) -> None:
        it.venue.send("BTCUSDT", trade_frame("BTCUSDT", 10**15))
        await it.venue.trade_for(10)

    trial = Trial(last={})
    trial.venue.rest.newest["BTCUSDT"] = 7
    trial.run(story)
    assert trial.ids() == list(range(8, 18))
    assert len(trial.publisher.on("crypto-dead-letters")) == 1
