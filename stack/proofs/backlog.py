"""A backlog of trades in Kafka, as the trade agent writes them: what `bench drain` drains."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from confluent_kafka import KafkaError, Producer

from market.main_market import Market
from schemas.codec import encode, key_of
from schemas.record_types import TRADE
from stack.failure import Failure

# 2023-03-11T03:00:00Z
FROM_MS = 1_678_503_600_000
TRADES_PER_S = 2_000
MINUTE_MS = 60_000
TELL_EVERY = 100_000
FLUSH_S = 120.0


def trades(markets: list[Market], count: int) -> Iterator[dict[str, Any]]:
    """`count` trades over the markets in turn, 2,000 a second of event time; prices wander."""
    prices = [100.0 + 10 * n for n in range(len(markets))]
    for n in range(count):
        market_at = n % len(markets)
        trade_id = n // len(markets) + 1
        # A cheap deterministic walk: all that matters is that extremes and closes differ.
        prices[market_at] *= 1 + ((n * 2_654_435_761 >> 7) % 2_001 - 1_000) * 1e-6
        traded_at_ms = FROM_MS + n * 1_000 // TRADES_PER_S
        market = markets[market_at]
        yield {
            "source": market.source,
            "symbol": market.symbol,
            "coin_id": market.coin_id,
            "quote": market.quote,
            "trade_id": trade_id,
            "first_fill_id": trade_id,
            "last_fill_id": trade_id + n % 2,
            "price": round(prices[market_at], 4),
            "quantity": (1 + n % 97) / 100,
            "aggressor": "buy" if n % 3 else "sell",
            "traded_at_ms": traded_at_ms,
            "observed_at_ms": traded_at_ms,
            "collected_at_ms": traded_at_ms + 40,
        }


class Expected:
    """The oracle: one-minute bars by plain arithmetic, one trade after the other.

    `bars` maps (symbol, open time in ms) to fields named as in the store.
    """

    def __init__(self) -> None:
        self.bars: dict[tuple[str, int], dict[str, float]] = {}

    def add(self, trade: Mapping[str, Any]) -> None:
        """Take the next trade of its market."""
        price, quantity = trade["price"], trade["quantity"]
        bought = quantity if trade["aggressor"] == "buy" else 0.0
        fills = trade["last_fill_id"] - trade["first_fill_id"] + 1
        minute_ms = trade["traded_at_ms"] - trade["traded_at_ms"] % MINUTE_MS
        bar = self.bars.get((trade["symbol"], minute_ms))
        if bar is None:
            self.bars[trade["symbol"], minute_ms] = {
                **dict.fromkeys(("open", "high", "low", "close"), price),
                "volume": quantity,
                "quote_volume": price * quantity,
                "trades": fills,
                "buy_volume": bought,
                "first_trade_id": trade["trade_id"],
                "last_trade_id": trade["trade_id"],
            }
            return
        bar["high"] = max(bar["high"], price)
        bar["low"] = min(bar["low"], price)
        bar["close"] = price
        bar["volume"] += quantity
        bar["quote_volume"] += price * quantity
        bar["trades"] += fills
        bar["buy_volume"] += bought
        bar["last_trade_id"] = trade["trade_id"]


def produce(
    bootstrap: str, markets: list[Market], count: int, *, tell: Callable[[str], None]
) -> Expected:
    """Write them, acknowledged; the bars they make. Raises Failure where Kafka refuses one."""
    expected = Expected()
    refused: list[KafkaError] = []
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 50,
            # "Coordinator load in progress" of a broker just started is retried.
            "log_level": 3,
            "batch.num.messages": 20_000,
            "queue.buffering.max.messages": 500_000,
        }
    )

    def on_delivery(error: KafkaError | None, _message: object) -> None:
        if error is not None:
            refused.append(error)

    for n, trade in enumerate(trades(markets, count)):
        expected.add(trade)
        key, message = key_of(TRADE, trade), encode(TRADE, trade)
        while True:
            try:
                producer.produce(TRADE.topic, message, key=key, on_delivery=on_delivery)
                break
            except BufferError:
                producer.poll(0.05)
        if n % TELL_EVERY == 0:
            tell(f"{n:,} of {count:,}")
            producer.poll(0)
    left = producer.flush(FLUSH_S)
    if left or refused:
        raise Failure(f"Kafka did not take {left + len(refused):,} trades: {refused[:1]}")
    return expected
