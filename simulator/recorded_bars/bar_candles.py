"""Candles of recorded bars and of their trades, as an exchange publishes them. Sums are exact."""

from collections.abc import Sequence
from decimal import Decimal

from simulator.recorded_bars.bar_file import Bar
from simulator.recorded_bars.bar_trades import trade_count
from simulator.scenario import Kline, Trade


def candle_of_trades(open_time_ms: int, trades: Sequence[Trade]) -> Kline:
    """The candle of at least one trade, sums exact."""
    money = [Decimal(trade.price) * Decimal(trade.quantity) for trade in trades]
    taken = [not trade.buyer_is_maker for trade in trades]
    volume = sum((Decimal(trade.quantity) for trade in trades), Decimal(0))
    taker = (Decimal(t.quantity) for t, buys in zip(trades, taken, strict=True) if buys)
    taker_money = (part for part, buys in zip(money, taken, strict=True) if buys)
    return Kline(
        open_time_ms=open_time_ms,
        open=trades[0].price,
        high=max((trade.price for trade in trades), key=Decimal),
        low=min((trade.price for trade in trades), key=Decimal),
        close=trades[-1].price,
        volume=f"{volume:f}",
        quote_volume=f"{sum(money, Decimal(0)):f}",
        trades=trades[-1].last_fill_id - trades[0].first_fill_id + 1,
        taker_base_volume=f"{sum(taker, Decimal(0)):f}",
        taker_quote_volume=f"{sum(taker_money, Decimal(0)):f}",
    )


def untraded_candle(bar: Bar) -> Kline:
    """A recorded minute without trades of ours: before the start, or of volume 0."""
    volume = Decimal(bar.volume)
    money = volume * (Decimal(bar.high) + Decimal(bar.low)) / 2
    count = trade_count(bar, 0)
    return Kline(
        bar.open_time_ms, bar.open, bar.high, bar.low, bar.close, bar.volume,
        f"{money:f}", count, f"{volume / 2:f}", f"{money / 2:f}",
    )  # fmt: skip


def united(open_time_ms: int, candles: Sequence[Kline]) -> Kline:
    """One longer candle out of the candles inside it."""

    def total(texts: list[str]) -> str:
        return f"{sum((Decimal(text) for text in texts), Decimal(0)):f}"

    # A minute without a trade repeats an older price: it makes no high and no low.
    traded = [candle for candle in candles if Decimal(candle.volume) > 0] or candles
    return Kline(
        open_time_ms=open_time_ms,
        open=traded[0].open,
        high=max((candle.high for candle in traded), key=Decimal),
        low=min((candle.low for candle in traded), key=Decimal),
        close=traded[-1].close,
        volume=total([candle.volume for candle in candles]),
        quote_volume=total([candle.quote_volume for candle in candles]),
        trades=sum(candle.trades for candle in candles),
        taker_base_volume=total([candle.taker_base_volume for candle in candles]),
        taker_quote_volume=total([candle.taker_quote_volume for candle in candles]),
    )
