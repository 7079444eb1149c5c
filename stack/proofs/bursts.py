"""A short backlog of a long time: bars of every length out of few trades, for `chaos driver`.

Bursts of a second every 33 s, out of order in time by up to five seconds, in the order of their
ids; before them bars that the exchange published. One market jumps now and then, and back.
"""

import math
import random
from collections.abc import Iterator
from typing import Any

from confluent_kafka import Producer

from market.coins import market_of
from schemas.codec import encode, key_of
from schemas.record_types import EXTERNAL_BAR, TRADE, RecordType
from stack.failure import Failure

SOURCE = "binance"
SYMBOLS = ("BTCUSDT", "ETHUSDT", "BTCUSDC", "SOLUSDT")
# 2023-03-11T03:00:00Z
FROM_MS = 1_678_503_600_000
BURST, BURST_EVERY_MS, DISORDER_MS = 40, 33_000, 5_000
# So often, in trades, the first market jumps by so much or back: episodes of anomalies.
JUMPS_EVERY, JUMP = 4_000, 1.08
HISTORY_BARS = {"1m": 300, "1h": 48, "1d": 10}
LENGTHS_MS = {"1m": 60_000, "1h": 3_600_000, "1d": 86_400_000}
FLUSH_EVERY = 50_000
FLUSH_S = 60.0


def produce_bursts(bootstrap: str, count: int, seed: int) -> None:
    """Write history and `count` trades. Raises Failure where Kafka does not take them."""
    chance = random.Random(seed)  # noqa: S311 - a replay to be repeated, no secret
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "log_level": 3})
    for kind, record in (*_history(), *_trades(count, chance)):
        producer.produce(kind.topic, encode(kind, record), key=key_of(kind, record))
        producer.poll(0)
        if len(producer) > FLUSH_EVERY:
            producer.flush(FLUSH_S)
    if producer.flush(FLUSH_S):
        raise Failure("Kafka did not take the backlog.")


def _trades(count: int, chance: random.Random) -> Iterator[tuple[RecordType, dict[str, Any]]]:
    """Out of order in time by up to five seconds, in the order of their ids."""
    prices = dict.fromkeys(SYMBOLS, 100.0)
    for n in range(count):
        symbol = SYMBOLS[n % len(SYMBOLS)]
        market = market_of(SOURCE, symbol)
        prices[symbol] *= 1 + chance.gauss(0, 1e-4)
        if n and n % JUMPS_EVERY == 0:
            prices[symbol] *= JUMP if n // JUMPS_EVERY % 2 else 1 / JUMP
        at_ms = FROM_MS + n // BURST * BURST_EVERY_MS + chance.randrange(DISORDER_MS)
        trade_id = n // len(SYMBOLS) + 1
        yield (
            TRADE,
            {
                "source": SOURCE,
                "symbol": symbol,
                "coin_id": market.coin_id,
                "quote": market.quote,
                "trade_id": trade_id,
                "first_fill_id": trade_id,
                "last_fill_id": trade_id,
                "price": round(prices[symbol], 4),
                "quantity": round(chance.expovariate(1.0) + 0.001, 5),
                "aggressor": chance.choice(("buy", "sell")),
                "traded_at_ms": at_ms,
                "observed_at_ms": at_ms,
                "collected_at_ms": at_ms + DISORDER_MS,
            },
        )


def _history() -> Iterator[tuple[RecordType, dict[str, Any]]]:
    """Bars of the exchange before the first trade, of the first two markets."""
    for symbol in SYMBOLS[:2]:
        market = market_of(SOURCE, symbol)
        for interval, count in HISTORY_BARS.items():
            length_ms = LENGTHS_MS[interval]
            end_ms = FROM_MS - FROM_MS % length_ms
            for n in range(count):
                open_ms = end_ms - (count - n) * length_ms
                price = 100.0 + math.sin(n)
                yield (
                    EXTERNAL_BAR,
                    {
                        "source": SOURCE,
                        "symbol": symbol,
                        "coin_id": market.coin_id,
                        "quote": market.quote,
                        "interval": interval,
                        "open_time_ms": open_ms,
                        "close_time_ms": open_ms + length_ms,
                        **dict.fromkeys(("open", "close"), price),
                        "high": price + 0.5,
                        "low": price - 0.5,
                        "volume": 10.0,
                        "quote_volume": 10.0 * price,
                        "trades": 20,
                        "buy_volume": 5.0,
                        "observed_at_ms": open_ms + length_ms,
                        "collected_at_ms": open_ms + length_ms,
                    },
                )
