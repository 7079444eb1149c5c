"""What handlers are given, as `Annotated` aliases."""

from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request

from api.kafka_probe import KafkaProbe
from api.latest import LatestState
from api.settings import ApiSettings
from market.clock import Clock
from market.main_market import Market
from market.store.anomalies import Anomaly, AnomalySearch
from market.store.freshness import Freshness
from market.store.news import Article, HourMood, IndexDay, NewsSearch, NewsSource
from market.store.pulse import GapRow, Pipeline, QualityRow, SourceRow
from market.store.rows import (
    AnalyticsSeries,
    CandleSeries,
    CrossSectionRow,
    GlobalMarket,
    History,
    Latest,
    StoreStatus,
)


class PulseStore(Protocol):
    """What the platform says of itself; `market.store.pulse.PulseReader` is the real one."""

    async def pipeline(self, *, wall_ms: int) -> Pipeline:
        """Jobs, latency and dead letters, in real time."""

    async def sources(self, *, now_ms: int) -> tuple[SourceRow, ...]:
        """The newest heartbeats."""

    async def gaps(self, *, from_ms: int, to_ms: int) -> tuple[GapRow, ...]:
        """Gaps that begin in [from_ms, to_ms), the newest first."""

    async def quality(self, *, coin_id: str | None, from_ms: int, to_ms: int) -> list[QualityRow]:
        """The newest quality of each series, the worst first."""


class NewsStore(Protocol):
    """What was written and how it sounded; `market.store.news.NewsReader` is the real one."""

    async def search(self, asked: NewsSearch) -> tuple[Article, ...]:
        """Articles, newest first, with their copies."""

    async def sources(self, *, from_ms: int, to_ms: int) -> tuple[NewsSource, ...]:
        """Feeds with articles in [from_ms, to_ms)."""

    async def moods(self, *, coin_id: str | None, from_ms: int, to_ms: int) -> tuple[HourMood, ...]:
        """Hours of a coin or of the market, ascending."""

    async def fear_greed(self, *, from_ms: int, to_ms: int) -> tuple[IndexDay, ...]:
        """Days of the index, ascending."""


class MarketStore(Protocol):
    """The store as the API needs it; `market.store.reader.StoreReader` is the real one.

    Every method raises StoreUnavailable when the database does not answer in time.
    """

    @property
    def news(self) -> NewsStore:
        """What was written, and how it sounded."""

    @property
    def pulse(self) -> PulseStore:
        """What the platform says of itself."""

    async def latest(self, *, now_ms: int) -> Latest:
        """The newest snapshots and bars at `now_ms`."""

    async def history(
        self, coin_id: str, source: str, *, from_ms: int, to_ms: int, every_ms: int
    ) -> History:
        """Snapshots of a coin, the last of each window of `every_ms`."""

    async def candles(
        self, market: Market, *, interval_ms: int, from_ms: int, to_ms: int, now_ms: int
    ) -> CandleSeries:
        """Bars of a market that open in [from_ms, to_ms)."""

    async def analytics(
        self, market: Market, *, interval: str, from_ms: int, to_ms: int, now_ms: int
    ) -> AnalyticsSeries:
        """Indicators of a market at the bars that open in [from_ms, to_ms)."""

    async def cross_sections(
        self, *, interval: str, from_ms: int, to_ms: int
    ) -> tuple[CrossSectionRow, ...]:
        """All coins together, in the bars that open in [from_ms, to_ms)."""

    async def global_market(self, *, now_ms: int) -> GlobalMarket:
        """The newest totals and cross-sections."""

    async def anomalies(self, asked: AnomalySearch) -> tuple[Anomaly, ...]:
        """Episodes, newest first."""

    async def anomaly(self, anomaly_id: str, *, now_ms: int) -> Anomaly | None:
        """One episode, None where there is none."""

    async def status(self) -> StoreStatus:
        """Asks the database how it is."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that lives as long as the process."""

    settings: ApiSettings
    clock: Clock
    store: MarketStore
    latest: LatestState
    kafka: KafkaProbe

    @property
    def freshness(self) -> Freshness:
        """What counts as fresh at this moment of the platform's clock."""
        return Freshness(self.clock.now_ms(), self.clock.speed, self.clock.scenario is not None)


def services(request: Request) -> Services:
    """The process's services, made in the lifespan of the app."""
    held = request.app.state.services
    assert isinstance(held, Services)  # noqa: S101 -- set before the first request
    return held


ServicesDep = Annotated[Services, Depends(services)]
