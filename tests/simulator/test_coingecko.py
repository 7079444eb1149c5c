from pathlib import Path
from typing import Any

import pytest

from agents.sources.coingecko import CoinGecko
from market.coins import coins, default_symbols, market_of
from tests.agents.fakes import settings
from tests.simulator.builders import (
    NOON_MS,
    START_MS,
    Hands,
    bars_scenario,
    market_scenario,
    simulation,
)
from tests.simulator.conftest import Running, Serve

pytestmark = pytest.mark.integration

FIELDS = [
    "id",
    "symbol",
    "name",
    "image",
    "current_price",
    "market_cap",
    "market_cap_rank",
    "fully_diluted_valuation",
    "total_volume",
    "high_24h",
    "low_24h",
    "price_change_24h",
    "price_change_percentage_24h",
    "market_cap_change_24h",
    "market_cap_change_percentage_24h",
    "circulating_supply",
    "total_supply",
    "max_supply",
    "ath",
    "ath_change_percentage",
    "ath_date",
    "atl",
    "atl_change_percentage",
    "atl_date",
    "roi",
    "last_updated",
]


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def running(serve: Serve, tmp_path: Path, hands: Hands) -> Running:
    return await serve(simulation(market_scenario(), tmp_path, hands=hands))


async def markets(running: Running, **params: object) -> Any:
    query: Any = {"vs_currency": "usd", **params}
    answer = await running.http.get("/api/v3/coins/markets", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_row_has_the_vendors_fields_largest_coin_first(running: Running) -> None:
    rows = await markets(running)
    assert list(rows[0]) == FIELDS
    assert rows[0]["id"] == "bitcoin"
    assert [row["market_cap_rank"] for row in rows] == list(range(1, len(rows) + 1))
    caps = [row["market_cap"] for row in rows]
    assert caps == sorted(caps, reverse=True)
    assert rows[0]["market_cap"] == pytest.approx(
        rows[0]["current_price"] * rows[0]["circulating_supply"]
    )


async def test_last_updated_is_the_last_whole_minute(running: Running, hands: Hands) -> None:
    running.simulation.clock.run()
    hands.seconds += 2.4
    first = await markets(running, ids="bitcoin")
    hands.seconds += 0.5
    assert await markets(running, ids="bitcoin") == first
    assert first[0]["last_updated"] == "2026-01-05T12:02:00.000Z"
    hands.seconds += 0.1
    (later,) = await markets(running, ids="bitcoin")
    assert later["last_updated"] == "2026-01-05T12:03:00.000Z"


async def test_ids_order_and_pages_choose_the_rows(running: Running) -> None:
    two = await markets(running, ids="solana,bitcoin,unknown", order="market_cap_asc")
    assert [row["id"] for row in two] == ["solana", "bitcoin"]
    by_id = await markets(running, order="id_asc", per_page=10, page=2)
    assert [row["id"] for row in by_id] == sorted(
        row["id"] for row in await markets(running, per_page=250)
    )[10:20]  # fmt: skip
    assert await markets(running, page=99) == []


async def test_the_coins_that_are_traded_or_quoted_are_served_and_no_others(
    running: Running,
) -> None:
    traded = [market_of("binance", symbol) for symbol in default_symbols("binance")]
    quotes = {market.quote for market in traded}
    served = {market.coin_id for market in traded}
    served |= {coin.coin_id for coin in coins().values() if coin.symbol in quotes}
    found = {row["id"] for row in await markets(running, per_page=5_000)}
    assert found == served
    # The agent asks for all coins of the map: in a demo it reads its topic back to the cap.
    expected = {coin_id for (coin_id,) in CoinGecko(settings()).expected_keys()}
    assert expected == coins().keys() > served


async def test_spans_and_sparkline_come_only_when_asked_for(running: Running) -> None:
    (row,) = await markets(
        running, ids="ethereum", price_change_percentage="1h,7d,99d", sparkline="true"
    )
    assert row["price_change_percentage_1h_in_currency"] is not None
    assert row["price_change_percentage_7d_in_currency"] is not None
    assert "price_change_percentage_99d_in_currency" not in row
    assert len(row["sparkline_in_7d"]["price"]) == 168
    assert list((await markets(running, ids="ethereum"))[0]) == FIELDS


@pytest.mark.parametrize("query", ["", "?vs_currency=eur"])
async def test_a_currency_must_be_given_and_known(running: Running, query: str) -> None:
    answer = await running.http.get(f"/api/v3/coins/markets{query}")
    assert answer.status_code == 422
    assert "vs_currency" in answer.json()["error"]


async def test_global_sums_the_coins(running: Running) -> None:
    body = (await running.http.get("/api/v3/global")).json()["data"]
    rows = await markets(running, per_page=250)
    assert body["active_cryptocurrencies"] == len(rows)
    assert body["total_market_cap"]["usd"] == pytest.approx(sum(r["market_cap"] for r in rows))
    assert body["updated_at"] == NOON_MS // 1000
    assert body["market_cap_percentage"]["btc"] > body["market_cap_percentage"]["eth"]


async def test_ping_says_what_the_gecko_says(running: Running) -> None:
    assert (await running.http.get("/api/v3/ping")).json() == {"gecko_says": "(V3) To the Moon!"}


async def test_what_bars_do_not_know_is_null(serve: Serve, tmp_path: Path, hands: Hands) -> None:
    served = await serve(simulation(bars_scenario(tmp_path), tmp_path, hands=hands))
    served.simulation.clock.run()
    hands.seconds += 1
    (row,) = await markets(served)
    assert (row["id"], row["current_price"]) == ("bitcoin", 20005.25)
    unknown = ("market_cap", "market_cap_rank", "circulating_supply", "ath", "price_change_24h")
    assert [row[name] for name in unknown] == [None] * len(unknown)
    body = (await served.http.get("/api/v3/global")).json()["data"]
    assert body["total_market_cap"] == {}
    assert body["market_cap_change_percentage_24h_usd"] is None
    assert body["updated_at"] == (START_MS + 60_000) // 1000
