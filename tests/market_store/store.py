"""A reader of the real InfluxDB and a way to write bars past it."""

from collections.abc import Iterable

import httpx
from pydantic import SecretStr

from market.main_market import Market
from market.settings import InfluxReadSettings
from market.store.reader import StoreReader
from market.store.rows import Bar, CandleSeries
from tests.market_store.builders import DAY, DAY_START

FIELDS = (
    *("open", "high", "low", "close", "volume", "quote_volume", "trades", "vwap"),
    *("buy_volume", "sell_volume", "first_trade_id", "last_trade_id", "coverage"),
)
INTEGERS = {"trades", "first_trade_id", "last_trade_id"}


def line(bar: Bar, market: Market, interval: str = "1m") -> str:
    fields = {name: getattr(bar, name) for name in FIELDS if getattr(bar, name) is not None}
    written = ",".join(
        f"{name}={cell}{'i' if name in INTEGERS else ''}" for name, cell in fields.items()
    )
    if bar.layer == "speed":
        written += f",last_traded_at_ms={bar.close_time_ms - 1}i"
    if interval not in {"1s", "1m"}:
        written += f",is_partial={str(bar.is_partial).lower()}"
    return (
        f"crypto_candles,coin_id={market.coin_id},interval={interval},layer={bar.layer},"
        f"quote={market.quote},source={market.source},symbol={market.symbol} "
        f"{written} {bar.open_time_ms}"
    )


class Store:
    """A reader and a way to write line protocol past it."""

    def __init__(self, access, reader: StoreReader) -> None:
        self.access = access
        self.reader = reader

    def write(self, bucket: str, lines: Iterable[str]) -> None:
        answer = httpx.post(
            f"{self.access.url}/api/v2/write",
            params={"org": self.access.org, "bucket": bucket, "precision": "ms"},
            headers={"Authorization": f"Token {self.access.write_token}"},
            content="\n".join(lines),
        )
        assert answer.status_code == 204, answer.text

    def forget_ledger(self) -> None:
        """The ledger is one for all markets, so each test begins without what others said."""
        answer = httpx.post(
            f"{self.access.url}/api/v2/delete",
            params={"org": self.access.org, "bucket": self.access.bucket},
            headers={"Authorization": f"Token {self.access.write_token}"},
            json={
                "start": "1970-01-01T00:00:00Z",
                "stop": "2100-01-01T00:00:00Z",
                "predicate": '_measurement="batch_ledger"',
            },
        )
        assert answer.status_code == 204, answer.text

    def write_bars(self, market: Market, bars: Iterable[Bar], interval: str = "1m") -> None:
        by_layer: dict[str, list[str]] = {"speed": [], "external": []}
        for bar in bars:
            by_layer[bar.layer].append(line(bar, market, interval))
        for layer, lines in by_layer.items():
            bucket = self.access.speed_bucket if layer == "speed" else self.access.bucket
            bucket = self.access.seconds_bucket if interval == "1s" else bucket
            if lines:
                self.write(bucket, lines)

    def final_through(self, at_ms: int, interval: str = "1m") -> None:
        tags = f"batch_ledger,interval={interval},kind=final_through,layer=speed"
        self.write(self.access.bucket, [f"{tags} final_through_ms={at_ms}i {at_ms}"])

    async def candles(self, market: Market, interval_ms: int, **facts) -> CandleSeries:
        named = {
            "from_ms": DAY_START,
            "to_ms": DAY_START + DAY,
            "now_ms": DAY_START + 2 * DAY,
        } | facts
        return await self.reader.candles(market, interval_ms=interval_ms, **named)


def settings(access, **facts) -> InfluxReadSettings:
    named = {
        "influx_url": access.url,
        "influx_org": access.org,
        "influx_bucket": access.bucket,
        "influx_speed_bucket": access.speed_bucket,
        "influx_seconds_bucket": access.seconds_bucket,
        "influx_read_token": SecretStr(access.read_token),
    } | facts
    return InfluxReadSettings(**named)
