import pytest

from market.store.freshness import Freshness, price_of_coin
from market.store.rows import LastCandle, Snapshot

NOW = 1_700_000_000_000


def live(now_ms: int = NOW) -> Freshness:
    return Freshness(now_ms, speed=1.0, is_replay=False)


def a_snapshot(**facts) -> Snapshot:
    named = {"price_usd": 100.0, "observed_at_ms": NOW - 30_000} | facts
    return Snapshot(coin_id="bitcoin", source="coingecko", **named)


def a_candle(quote: str = "USDT", *, age_ms: int | None = 5_000, price: float = 101.0):
    return LastCandle(
        source="binance",
        symbol=f"BTC{quote}",
        coin_id="bitcoin",
        quote=quote,
        layer="speed",
        open_time_ms=NOW - 60_000,
        price=price,
        last_traded_at_ms=None if age_ms is None else NOW - age_ms,
    )


def test_a_trade_under_sixty_seconds_old_is_the_price():
    price = price_of_coin(a_snapshot(), [a_candle(age_ms=59_999)], live())
    assert (price.price_usd, price.source, price.market) == (101.0, "binance", "BTCUSDT")
    assert not price.is_stale


def test_after_sixty_seconds_the_snapshot_is_the_price():
    price = price_of_coin(a_snapshot(), [a_candle(age_ms=60_000)], live())
    assert (price.price_usd, price.source, price.market) == (100.0, "coingecko", None)


@pytest.mark.parametrize(
    ("quotes", "main"),
    [(["USDC", "USDT", "USD"], "USD"), (["USDC", "USDT"], "USDT"), (["EUR", "USDC"], "USDC")],
)
def test_the_main_market_is_quoted_in_usd_else_usdt_else_usdc(quotes, main):
    price = price_of_coin(None, [a_candle(quote) for quote in quotes], live())
    assert price.market == f"BTC{main}"


def test_a_market_in_another_currency_is_no_price_in_dollars():
    assert price_of_coin(None, [a_candle("EUR")], live()) is None


def test_the_exchanges_own_bars_are_no_trade():
    assert price_of_coin(None, [a_candle(age_ms=None)], live()) is None


def test_an_old_trade_is_better_than_nothing_and_says_that_it_is_stale():
    price = price_of_coin(a_snapshot(price_usd=None), [a_candle(age_ms=600_000)], live())
    assert price.price_usd == 101.0
    assert price.is_stale


def test_a_replay_allows_ten_seconds_times_its_speed_more():
    replay = Freshness(NOW, speed=60.0, is_replay=True)
    assert replay.is_trade_fresh(NOW - 60_000 - 599_999)
    assert not replay.is_trade_fresh(NOW - 60_000 - 600_000)
    assert not live().is_trade_fresh(NOW - 60_000)


def test_a_range_that_ends_in_the_past_is_judged_at_its_end():
    until = NOW - 86_400_000
    assert live().are_candles_fresh(until - 10_000, until_ms=until)
    assert not live().are_candles_fresh(until - 120_000, until_ms=until)
    assert not live().are_candles_fresh(None, until_ms=until)
