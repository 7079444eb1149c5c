import asyncio
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from agents.intake import Intake
from agents.memory import Memory
from agents.poll import PollRunner
from agents.sources.binance_klines import BinanceKlines
from agents.sources.coingecko import CoinGecko
from agents.sources.coinmarketcap import CoinMarketCap
from agents.sources.rss import Rss
from agents.verdict import RequestRefused
from market.errors import Fatal, Retryable
from tests.agents.fakes import FakeClock, FakeHttp, FakePublisher, answer, settings
from tests.agents.sources.test_binance_klines import NOW_MS, kline, klines_from
from tests.agents.sources.test_coingecko import coin
from tests.agents.sources.test_coinmarketcap import coin as cmc_coin
from tests.agents.sources.test_coinmarketcap import quote
from tests.agents.test_memory import FEED
from tests.agents.virtual_time import run


class Trial:
    def __init__(self, script: Any, *, kind: Any = CoinGecko, clock: FakeClock | None = None):
        self.clock = clock or FakeClock()
        self.clock.at_ms = NOW_MS
        source = kind(settings())
        self.http = FakeHttp(script)
        self.publisher = FakePublisher()
        self.memory = Memory(source.memory)
        self.intake = Intake(source, publisher=self.publisher, clock=self.clock)
        self.runner = PollRunner(
            source,
            upstream=self.http,
            intake=self.intake,
            memory=self.memory,
            clock=self.clock,
        )

    def run_for(self, seconds: float) -> list[float]:
        async def some_time() -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(self.runner.run(), seconds)

        run(some_time())
        return self.http.asked_at_s


def coins_answer(request: Any, *rows: dict[str, Any]) -> Any:
    return answer(request, list(rows))


def test_a_poll_publishes_each_coin_and_polls_again_after_the_cadence():
    trial = Trial(lambda request: coins_answer(request, coin(), coin(id="ethereum")))
    asked_at_s = trial.run_for(150)
    assert asked_at_s == pytest.approx([0, 60, 120], abs=0.01)
    assert {row["coin_id"] for row in trial.publisher.on("crypto-prices")} == {
        "bitcoin",
        "ethereum",
    }


def test_in_a_demo_the_cadence_is_scenario_time():
    clock = FakeClock(speed=60, scenario="market")
    asked_at_s = Trial(lambda request: coins_answer(request, coin()), clock=clock).run_for(3.5)
    assert asked_at_s == pytest.approx([0, 1, 2, 3], abs=0.01)


def test_a_fast_demo_polls_at_most_twenty_times_a_second():
    clock = FakeClock(speed=1_000_000, scenario="market")
    asked_at_s = Trial(lambda request: coins_answer(request, coin()), clock=clock).run_for(1.01)
    assert 20 <= len(asked_at_s) <= 21


def test_an_unchanged_snapshot_is_a_duplicate():
    trial = Trial(lambda request: coins_answer(request, coin()))
    trial.run_for(150)
    assert len(trial.publisher.on("crypto-prices")) == 1
    assert trial.intake.counters.duplicate == 2


def test_a_429_waits_retry_after_before_the_next_poll():
    trial = Trial(lambda request: Retryable("429", retry_after_s=600))
    assert trial.run_for(1300) == pytest.approx([0, 600, 1200], abs=0.01)


def test_a_failed_poll_is_taken_again_with_the_cadence():
    left = [Fatal("451"), Retryable("broken JSON")]
    trial = Trial(lambda request: left.pop() if left else coins_answer(request, coin()))
    trial.run_for(150)
    assert len(trial.publisher.on("crypto-prices")) == 1


def test_stamps_are_the_platform_s_time():
    trial = Trial(lambda request: coins_answer(request, coin()))
    trial.run_for(1)
    assert trial.publisher.on("crypto-prices")[0]["collected_at_ms"] == NOW_MS


def test_an_impossible_row_is_a_dead_letter_once_and_its_neighbours_pass():
    bad = coin(id="ethereum", current_price=-1)
    trial = Trial(lambda request: coins_answer(request, bad, coin()))
    trial.run_for(150)
    (letter,) = trial.publisher.on("crypto-dead-letters")
    assert (letter["reason"], letter["topic"]) == ("impossible_value", "crypto-prices")
    assert orjson.loads(letter["payload"])["current_price"] == -1
    assert trial.intake.counters.rejected == 3
    assert len(trial.publisher.on("crypto-prices")) == 1


def test_the_newest_event_is_the_newest_and_not_the_last_of_an_answer():
    rows = [
        coin(id="bitcoin", last_updated="2026-01-01T11:59:00.000Z"),
        coin(id="ethereum", last_updated="2026-01-01T08:00:00.000Z"),
    ]
    trial = Trial(lambda request: coins_answer(request, *rows))
    run(trial.runner.poll())
    assert trial.intake.newest_observed_ms == NOW_MS - 60_000
    assert trial.intake.newest_lag_ms == 60_000
    rows[:] = [coin(id="solana", last_updated="2026-01-01T09:00:00.000Z")]
    run(trial.runner.poll())
    assert trial.intake.newest_observed_ms == NOW_MS - 60_000


def test_a_row_about_a_coin_that_is_not_ours_is_counted_and_nothing_else():
    ours = cmc_coin(quote={"USD": quote(last_updated="2026-01-01T00:00:00.000Z")})
    listing = {"data": [ours, cmc_coin(id=999_999_999)], "status": {"error_code": 0}}
    trial = Trial(lambda request: answer(request, listing), kind=CoinMarketCap)
    run(trial.runner.poll())
    counters = trial.intake.counters
    assert (counters.accepted, counters.passed_over, counters.rejected) == (1, 1, 0)
    assert trial.publisher.on("crypto-dead-letters") == []


def test_a_row_from_the_future_is_refused_beyond_the_tolerance():
    near = coin(last_updated="2026-01-01T12:00:59Z")
    far = coin(id="ethereum", last_updated="2026-01-01T12:01:01Z")
    trial = Trial(lambda request: coins_answer(request, near, far))
    trial.run_for(1)
    (letter,) = trial.publisher.on("crypto-dead-letters")
    assert letter["reason"] == "future_time"
    assert [row["coin_id"] for row in trial.publisher.on("crypto-prices")] == ["bitcoin"]


def test_in_a_demo_the_future_tolerance_grows_with_the_speed():
    clock = FakeClock(speed=60, scenario="market")
    ahead = coin(last_updated="2026-01-01T12:10:00Z")
    trial = Trial(lambda request: coins_answer(request, ahead), clock=clock)
    trial.run_for(0.5)
    assert len(trial.publisher.on("crypto-prices")) == 1


def test_a_record_that_does_not_fit_the_schema_is_a_dead_letter():
    trial = Trial(lambda request: coins_answer(request, coin(market_cap_rank=2**40)))
    trial.run_for(1)
    assert len(trial.publisher.on("crypto-dead-letters")) == 1
    assert trial.intake.counters.accepted == 0


def test_a_source_that_runs_once_ends_when_it_has_everything():
    trial = Trial(lambda request: answer(request, klines_from(request)), kind=BinanceKlines)
    assert not trial.runner.is_done
    run(trial.runner.run())
    assert trial.runner.is_done
    bars = trial.publisher.on("crypto-external-bars")
    assert {(bar["symbol"], bar["interval"]) for bar in bars} == {
        (symbol, interval) for symbol in ("BTCUSDT", "ETHUSDT") for interval in ("1m", "1h", "1d")
    }


def test_a_source_that_runs_once_asks_again_for_what_failed():
    left = [Retryable("away")]
    trial = Trial(
        lambda request: left.pop() if left else answer(request, klines_from(request)),
        kind=BinanceKlines,
    )
    run(trial.runner.run())
    bars = trial.publisher.on("crypto-external-bars")
    identities = [(bar["symbol"], bar["interval"], bar["open_time_ms"]) for bar in bars]
    assert len(identities) == len(set(identities))
    assert len({identity[:2] for identity in identities}) == 6


def test_an_unknown_symbol_costs_the_other_markets_nothing():
    def script(request: Any) -> Any:
        if request.params["symbol"] == "BTCUSDT":
            return RequestRefused("Invalid symbol.")
        return answer(request, klines_from(request))

    trial = Trial(script, kind=BinanceKlines)
    run(trial.runner.run())
    symbols = {bar["symbol"] for bar in trial.publisher.on("crypto-external-bars")}
    assert symbols == {"ETHUSDT"}


def test_a_source_that_runs_once_ends_with_the_permanent_error():
    trial = Trial(lambda request: Fatal("451"), kind=BinanceKlines)
    with pytest.raises(Fatal, match="451"):
        run(trial.runner.run())


def test_a_long_absence_of_bars_is_read_page_by_page():
    minute = 60_000
    first_ms = NOW_MS - 2_500 * minute

    def script(request: Any) -> Any:
        if request.params["interval"] != "1m" or request.params["symbol"] != "BTCUSDT":
            return answer(request, [])
        start = int(request.params["startTime"])
        start = -(-start // minute) * minute
        opens = range(start, min(NOW_MS, start + 1000 * minute), minute)
        return answer(request, [kline(open_ms) for open_ms in opens])

    trial = Trial(script, kind=BinanceKlines)
    trial.memory.last[("BTCUSDT", "1m")] = first_ms - minute
    run(trial.runner.run())
    opens = [bar["open_time_ms"] for bar in trial.publisher.on("crypto-external-bars")]
    assert opens == list(range(first_ms, NOW_MS, minute))


def test_a_feed_that_is_down_takes_no_other_with_it():
    def script(request: Any) -> Any:
        if "coindesk" in request.url:
            return Retryable("429", retry_after_s=86_400)
        return answer(request, FEED)

    trial = Trial(script, kind=Rss)
    trial.run_for(650)
    assert trial.runner.trouble == "429"  # it rests, and nobody shall think that all is well
    assert trial.runner.last_success_ms == NOW_MS
    assert len(trial.publisher.on("crypto-news")) == 1
    asked = [urlsplit(request.url).hostname for request in trial.http.asked]
    assert asked == ["www.coindesk.com"] + ["cointelegraph.com"] * 3


def test_a_validator_is_used_only_once_its_records_are_with_the_publisher():
    trial = Trial(lambda request: answer(request, FEED, etag='"1"'), kind=Rss)
    trial.run_for(350)
    assert [request.headers.get("If-None-Match") for request in trial.http.asked] == [
        None,
        None,
        '"1"',
        '"1"',
    ]
