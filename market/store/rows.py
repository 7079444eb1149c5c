"""What the store's reader answers with. Times are milliseconds UTC, missing numbers None."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Layer = Literal["speed", "external", "batch_a", "batch_b"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A coin as one source described it at one moment; fields as in `measurements.MARKET`."""

    coin_id: str
    source: str
    observed_at_ms: int
    symbol: str | None = None
    name: str | None = None
    price_usd: float | None = None
    market_cap_usd: float | None = None
    market_cap_rank: int | None = None
    fully_diluted_valuation_usd: float | None = None
    volume_24h_usd: float | None = None
    high_24h_usd: float | None = None
    low_24h_usd: float | None = None
    change_1h_pct: float | None = None
    change_24h_pct: float | None = None
    change_7d_pct: float | None = None
    market_cap_change_24h_pct: float | None = None
    circulating_supply: float | None = None
    total_supply: float | None = None
    max_supply: float | None = None
    ath_usd: float | None = None
    ath_at_ms: int | None = None
    atl_usd: float | None = None
    atl_at_ms: int | None = None
    collected_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LastCandle:
    """The newest one-minute bar of a market. `last_traded_at_ms` is None for external bars."""

    source: str
    symbol: str
    coin_id: str
    quote: str
    layer: Layer
    open_time_ms: int
    price: float
    last_traded_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest of everything: snapshots by coin and source, the last bar of each market."""

    snapshots: tuple[Snapshot, ...]
    candles: tuple[LastCandle, ...]


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """The last values that a source gave in the window that opens at `time_ms`."""

    time_ms: int
    price_usd: float | None
    market_cap_usd: float | None
    volume_24h_usd: float | None


@dataclass(frozen=True, slots=True)
class History:
    """Rows ascending in time, and when the newest of them was observed."""

    rows: tuple[HistoryRow, ...]
    observed_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A candle over [open_time_ms, close_time_ms); prices in the quote, volume in the base.

    `held_ids` counts the trade ids that went into it, None where there are no ids or where it
    cannot be told. `is_partial` is True where our stream of trades began within the bar and nothing
    tells its beginning.
    """

    open_time_ms: int
    close_time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    layer: Layer
    quote_volume: float | None = None
    trades: int | None = None
    vwap: float | None = None
    buy_volume: float | None = None
    sell_volume: float | None = None
    first_trade_id: int | None = None
    last_trade_id: int | None = None
    held_ids: int | None = None
    is_partial: bool = False

    @property
    def expected_ids(self) -> int | None:
        """Trade ids from the first to the last of the bar, None without ids."""
        if self.first_trade_id is None or self.last_trade_id is None:
            return None
        return self.last_trade_id - self.first_trade_id + 1

    @property
    def coverage(self) -> float | None:
        """Held ids over expected ids, None where it cannot be told; above 1 means duplicates."""
        expected = self.expected_ids
        if expected is None or self.held_ids is None or expected <= 0:
            return None
        return self.held_ids / expected


@dataclass(frozen=True, slots=True)
class Gap:
    """Trades are missing in [from_ms, to_ms); `missing_trades` is None where ids cannot say."""

    from_ms: int
    to_ms: int
    missing_trades: int | None


@dataclass(frozen=True, slots=True)
class CandleSeries:
    """Bars ascending in time and what is known about the holes between them.

    Bars that close at or before `final_through_ms` are final, so are bars that close at or
    before `external_through_ms`: an exchange published what they are made of.
    """

    bars: tuple[Bar, ...]
    gaps: tuple[Gap, ...]
    final_through_ms: int | None
    external_through_ms: int | None

    def is_final(self, bar: Bar) -> bool:
        """True when no later trade can change the bar; a partial bar may be final too."""
        return any(
            through is not None and bar.close_time_ms <= through
            for through in (self.final_through_ms, self.external_through_ms)
        )


@dataclass(frozen=True, slots=True)
class AnalyticsRow:
    """Indicators of a market at the close of the bar that opens at `open_time_ms`.

    `indicators` holds each of `measurements.INDICATOR_FIELDS`, None where undefined. `bars` counts
    the bars that the series has seen, this one included.
    """

    open_time_ms: int
    close_time_ms: int
    layer: Layer
    close: float
    bars: int | None
    indicators: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class AnalyticsSeries:
    """Rows ascending in time; all of them stand for final bars."""

    rows: tuple[AnalyticsRow, ...]
    final_through_ms: int | None


@dataclass(frozen=True, slots=True)
class CrossSectionRow:
    """All coins that traded in [open_time_ms, close_time_ms), one main market a coin.

    Fields as in `measurements.CROSS_SECTION`, in their order. `index` chains the weighted returns
    of a range from 100 at the range's start, None outside of a range.
    """

    interval: str
    open_time_ms: int
    close_time_ms: int
    coins: int | None
    advancing: int | None
    declining: int | None
    breadth_pct: float | None
    quote_volume_usd: float | None
    btc_volume_share_pct: float | None
    eth_volume_share_pct: float | None
    weighted_return_pct: float | None
    index: float | None = None


@dataclass(frozen=True, slots=True)
class GlobalTotals:
    """The whole market as one source counts it; fields as in `measurements.GLOBAL`."""

    source: str
    observed_at_ms: int
    market_cap_usd: float | None = None
    market_cap_change_24h_pct: float | None = None
    volume_24h_usd: float | None = None
    btc_dominance_pct: float | None = None
    eth_dominance_pct: float | None = None
    active_coins: int | None = None
    markets: int | None = None
    collected_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class GlobalMarket:
    """The newest totals of each source and the newest cross-section of each interval asked for."""

    totals: tuple[GlobalTotals, ...]
    cross_sections: tuple[CrossSectionRow, ...]


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """An answer of the database's own health check."""

    latency_ms: float
    version: str | None
