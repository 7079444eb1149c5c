from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator.scenario import DAY_MS, HOUR_MS, MINUTE_MS
from tests.simulator.builders import NOON_MS, Hands, market_scenario, simulation
from tests.simulator.conftest import Running, Serve

pytestmark = pytest.mark.integration
NOW_MS = NOON_MS + 600_000


@pytest.fixture
async def running(serve: Serve, tmp_path: Path) -> Running:
    hands = Hands()
    served = await serve(simulation(market_scenario(), tmp_path, hands=hands))
    served.simulation.clock.run()
    hands.seconds += 10
    return served


async def get(running: Running, path: str, **params: object) -> Any:
    answer = await running.http.get(f"/api/v3/{path}", params=params)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_time_is_scenario_time(running: Running) -> None:
    assert await get(running, "time") == {"serverTime": NOW_MS}


async def test_exchange_info_lists_all_or_the_asked_symbols(running: Running) -> None:
    whole = await get(running, "exchangeInfo")
    assert whole["serverTime"] == NOW_MS
    assert {limit["rateLimitType"] for limit in whole["rateLimits"]} >= {"REQUEST_WEIGHT"}
    assert [one["symbol"] for one in whole["symbols"]] == list(
        running.simulation.scenario.instruments
    )
    (bitcoin,) = (await get(running, "exchangeInfo", symbol="BTCUSDC"))["symbols"]
    assert (bitcoin["baseAsset"], bitcoin["quoteAsset"], bitcoin["status"]) == (
        "BTC", "USDC", "TRADING",
    )  # fmt: skip
    two = await get(running, "exchangeInfo", symbols='["ETHUSDT","SOLUSDT"]')
    assert [one["symbol"] for one in two["symbols"]] == ["ETHUSDT", "SOLUSDT"]


async def test_klines_are_arrays_of_twelve_with_decimals_as_strings(running: Running) -> None:
    rows = await get(running, "klines", symbol="BTCUSDT", interval="1m", limit=3)
    assert [len(row) for row in rows] == [12] * len(rows)
    first = rows[0]
    assert first[6] == first[0] + MINUTE_MS - 1
    assert [type(part) for part in first] == [int, *[str] * 5, int, str, int, str, str, str]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)


@pytest.mark.parametrize(("interval", "ms"), [("1m", MINUTE_MS), ("1h", HOUR_MS), ("1d", DAY_MS)])
async def test_the_newest_klines_are_at_most_a_thousand_and_none_opens_later_than_now(
    running: Running, interval: str, ms: int
) -> None:
    rows = await get(running, "klines", symbol="ETHUSDT", interval=interval, limit=5_000)
    assert 999 <= len(rows) <= 1_000
    assert NOW_MS - 2 * ms < rows[-1][0] <= NOW_MS


async def test_klines_go_up_from_start_time_and_end_at_end_time(running: Running) -> None:
    rows = await get(
        running, "klines", symbol="ETHUSDT", interval="1m",
        startTime=NOON_MS - 5 * MINUTE_MS - 1, endTime=NOON_MS - 2 * MINUTE_MS,
    )  # fmt: skip
    assert [row[0] - NOON_MS for row in rows] == [-300_000, -240_000, -180_000, -120_000]
    assert await get(
        running, "klines", symbol="ETHUSDT", interval="1m", startTime=NOW_MS + DAY_MS
    ) == []  # fmt: skip


async def test_the_future_is_not_told_to_who_asks_for_it(running: Running) -> None:
    future = NOW_MS + DAY_MS
    rows = await get(
        running, "klines", symbol="BTCUSDT", interval="1h", startTime=NOON_MS, endTime=future
    )
    trades = await get(
        running, "aggTrades", symbol="BTCUSDT", startTime=NOON_MS, endTime=future, limit=1_000
    )
    first_page = await get(running, "aggTrades", symbol="BTCUSDT", fromId=1, limit=1_000)
    assert first_page == trades
    everything = list(running.simulation.scenario.trades("BTCUSDT", 0, NOW_MS))
    newest = await get(running, "aggTrades", symbol="BTCUSDT", limit=1_000)
    assert newest[-1]["a"] == everything[-1].trade_id
    (hour,) = rows
    assert Decimal(hour[5]) == sum(Decimal(trade.quantity) for trade in everything)


async def test_pages_by_id_join_without_hole_or_overlap(running: Running) -> None:
    ids: list[int] = []
    while page := await get(running, "aggTrades", symbol="BTCUSDT", fromId=len(ids) + 1, limit=200):
        ids += [trade["a"] for trade in page]
    assert ids == list(range(1, len(ids) + 1))
    assert len(ids) > 400


async def test_an_agg_trade_has_the_vendors_fields(running: Running) -> None:
    (trade,) = await get(running, "aggTrades", symbol="BTCUSDT", fromId=3, limit=1)
    assert list(trade) == ["a", "p", "q", "f", "l", "T", "m", "M"]
    assert (trade["a"], trade["M"]) == (3, True)
    assert isinstance(trade["p"], str)
    assert isinstance(trade["q"], str)
    assert isinstance(trade["m"], bool)


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("klines?symbol=NOPE&interval=1m", -1121, "Invalid symbol."),
        ("klines?symbol=btcusdt&interval=1m", -1121, "Invalid symbol."),
        ("klines?symbol=BTCUSDT&interval=7m", -1120, "Invalid interval."),
        ("klines?interval=1m", -1102, "Mandatory parameter 'symbol'"),
        ("klines?symbol=BTCUSDT", -1102, "Mandatory parameter 'interval'"),
        ("klines?symbol=BTCUSDT&interval=1m&limit=ten", -1100, "parameter 'limit'"),
        ("aggTrades?symbol=BTCUSDT&limit=0", -1130, "'limit'"),
        ("aggTrades?symbol=BTCUSDT&fromId=-1", -1100, "parameter 'fromId'"),
        ("aggTrades?symbol=BTCUSDT&fromId=1&startTime=1", -1128, "Combination"),
        ("aggTrades", -1102, "Mandatory parameter 'symbol'"),
        ("exchangeInfo?symbol=NOPE", -1121, "Invalid symbol."),
        ("exchangeInfo?symbols=[]", -1121, "Invalid symbol."),
    ],
)
async def test_a_wrong_question_is_refused_in_binances_words(
    running: Running, path: str, code: int, words: str
) -> None:
    answer = await running.http.get(f"/api/v3/{path}")
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert words in answer.json()["msg"]
