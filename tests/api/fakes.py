"""A store, a clock and a broker that say what a test tells them to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from pydantic import SecretStr

from api.app import create_app
from api.kafka_probe import KafkaState
from api.settings import ApiSettings
from market.errors import StoreUnavailable
from market.store.anomalies import Anomaly, AnomalySearch
from market.store.news import Article, HourMood, IndexDay, NewsSearch, NewsSource
from market.store.pulse import GapRow, Pipeline, QualityRow, SourceRow
from market.store.rows import (
    AnalyticsSeries,
    CandleSeries,
    CrossSectionRow,
    GlobalMarket,
    History,
    LastCandle,
    Latest,
    Snapshot,
    StoreStatus,
)

NOW = 1_678_536_000_000  # 2023-03-11T12:00Z
NOTHING = CandleSeries(bars=(), gaps=(), final_through_ms=None, external_through_ms=None)

NO_INDICATORS = AnalyticsSeries(rows=(), final_through_ms=None)
NO_PIPELINE = Pipeline(jobs=(), stages=(), letters=())
NO_MARKET = GlobalMarket(totals=(), cross_sections=())


@dataclass
class FakeClock:
    speed: float = 1.0
    scenario: str | None = None
    at_ms: int = NOW

    def now_ms(self) -> int:
        return self.at_ms


@dataclass
class FakePulse:
    known: Pipeline = NO_PIPELINE
    heard: tuple[SourceRow, ...] = ()
    holes: tuple[GapRow, ...] = ()
    judged: list[QualityRow] = field(default_factory=list)
    is_down: bool = False
    asked: list[dict[str, object]] = field(default_factory=list)

    def _check(self, **asked: object) -> None:
        self.asked.append(asked)
        if self.is_down:
            raise StoreUnavailable("connect to secret-host:8086 failed with token abc")

    async def pipeline(self, *, wall_ms: int) -> Pipeline:
        self._check(wall_ms=wall_ms)
        return self.known

    async def sources(self, *, now_ms: int) -> tuple[SourceRow, ...]:
        self._check(now_ms=now_ms)
        return self.heard

    async def gaps(self, *, from_ms: int, to_ms: int) -> tuple[GapRow, ...]:
        self._check(from_ms=from_ms, to_ms=to_ms)
        return self.holes

    async def quality(self, *, coin_id, from_ms: int, to_ms: int) -> list[QualityRow]:
        self._check(coin_id=coin_id, from_ms=from_ms, to_ms=to_ms)
        return self.judged


@dataclass
class FakeNews:
    articles: tuple[Article, ...] = ()
    feeds: tuple[NewsSource, ...] = ()
    hours: tuple[HourMood, ...] = ()
    days: tuple[IndexDay, ...] = ()
    searches: list[NewsSearch] = field(default_factory=list)
    asked: list[dict[str, object]] = field(default_factory=list)

    async def search(self, asked: NewsSearch) -> tuple[Article, ...]:
        self.searches.append(asked)
        found = sorted(filter(asked.admits, self.articles), key=lambda one: one.place)
        return tuple(found[::-1][: asked.limit])

    async def sources(self, **asked: object) -> tuple[NewsSource, ...]:
        self.asked.append(asked)
        return self.feeds

    async def moods(self, **asked: object) -> tuple[HourMood, ...]:
        self.asked.append(asked)
        return self.hours

    async def fear_greed(self, **asked: object) -> tuple[IndexDay, ...]:
        self.asked.append(asked)
        return self.days


@dataclass
class FakeStore:
    snapshots: tuple[Snapshot, ...] = ()
    last: tuple[LastCandle, ...] = ()
    series: CandleSeries = NOTHING
    answered: History = field(default_factory=lambda: History(rows=(), observed_at_ms=None))
    indicators: AnalyticsSeries = NO_INDICATORS
    together: GlobalMarket = NO_MARKET
    episodes: tuple[Anomaly, ...] = ()
    searches: list[AnomalySearch] = field(default_factory=list)
    news: FakeNews = field(default_factory=FakeNews)
    pulse: FakePulse = field(default_factory=FakePulse)
    is_down: bool = False
    reads: int = 0
    asked: list[dict[str, object]] = field(default_factory=list)

    def _check(self) -> None:
        if self.is_down:
            raise StoreUnavailable("connect to secret-host:8086 failed with token abc")

    async def latest(self, *, now_ms: int) -> Latest:
        self._check()
        self.reads += 1
        await asyncio.sleep(0)
        return Latest(snapshots=self.snapshots, candles=self.last)

    async def history(self, coin_id, source, *, from_ms, to_ms, every_ms) -> History:
        self._check()
        self.asked.append({"source": source, "from_ms": from_ms, "to_ms": to_ms})
        return self.answered

    async def candles(self, market, *, interval_ms, from_ms, to_ms, now_ms) -> CandleSeries:
        self._check()
        self.asked.append({"market": market, "from_ms": from_ms, "to_ms": to_ms})
        return self.series

    async def analytics(self, market, *, interval, from_ms, to_ms, now_ms) -> AnalyticsSeries:
        self._check()
        self.asked.append({"market": market, "interval": interval, "from_ms": from_ms})
        return self.indicators

    async def cross_sections(self, *, interval, from_ms, to_ms) -> tuple[CrossSectionRow, ...]:
        self._check()
        self.asked.append({"interval": interval, "from_ms": from_ms, "to_ms": to_ms})
        return self.together.cross_sections

    async def global_market(self, *, now_ms) -> GlobalMarket:
        self._check()
        return self.together

    async def anomalies(self, asked: AnomalySearch) -> tuple[Anomaly, ...]:
        self._check()
        self.searches.append(asked)
        found = sorted(filter(asked.admits, self.episodes), key=lambda one: one.place)
        return tuple(found[::-1][: asked.limit])

    async def anomaly(self, anomaly_id, *, now_ms) -> Anomaly | None:
        self._check()
        return next((one for one in self.episodes if one.anomaly_id == anomaly_id), None)

    async def status(self) -> StoreStatus:
        self._check()
        return StoreStatus(latency_ms=1.5, version="2.9.1")


def a_snapshot(coin_id: str = "bitcoin", **facts) -> Snapshot:
    named = {
        "observed_at_ms": NOW - 30_000,
        "symbol": "btc",
        "name": "Bitcoin",
        "price_usd": 100.0,
        "market_cap_rank": 1,
        "collected_at_ms": NOW - 29_000,
    } | facts
    return Snapshot(coin_id=coin_id, source="coingecko", **named)


def a_last_candle(symbol: str = "BTCUSDT", **facts) -> LastCandle:
    named = {
        "coin_id": "bitcoin",
        "quote": symbol.removeprefix("BTC"),
        "layer": "speed",
        "open_time_ms": NOW - 60_000,
        "price": 101.0,
        "last_traded_at_ms": NOW - 5_000,
    } | facts
    return LastCandle(source="binance", symbol=symbol, **named)


def an_anomaly(started_at_ms: int = NOW - 600_000, **facts) -> Anomaly:
    named = {
        "anomaly_id": f"{started_at_ms:024x}",
        "revision": 1,
        "phase": "opened",
        "kind": "price_move",
        "severity": "medium",
        "source": "binance",
        "started_at_ms": started_at_ms,
        "detected_at_ms": started_at_ms + 20_000,
        "peaked_at_ms": started_at_ms + 30_000,
        "observed_at_ms": started_at_ms + 30_000,
        "value": 6.5,
        "peak_value": 7.25,
        "unit": "%",
        "sentence": "BTCUSDT rose 7.25 % in 60 s.",
        "coin_id": "bitcoin",
        "symbol": "BTCUSDT",
        "quote": "USDT",
        "window_ms": 60_000,
        "sources": ("binance/BTCUSDT",),
        "trade_ids": (2**53 + 1,),
        "coordinates": ("crypto-trades/0/17",),
    } | facts
    return Anomaly(**named)


def a_settings(**facts) -> ApiSettings:
    return ApiSettings(influx_read_token=SecretStr("unused"), **facts)


@asynccontextmanager
async def serving(
    store: FakeStore,
    *,
    clock: FakeClock | None = None,
    kafka: KafkaState | None = None,
    raises: bool = True,
    **settings,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app on fakes, within the app's lifespan."""

    @asynccontextmanager
    async def open_fake() -> AsyncIterator[FakeStore]:
        yield store

    up = kafka or KafkaState(is_up=True, detail="1 broker(s) answer.")
    app = create_app(
        a_settings(**settings),
        clock=clock or FakeClock(),
        store=open_fake,
        ask_kafka=lambda: up,
    )
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=raises)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api.test") as client,
    ):
        yield client
