"""One coin: the columns of the table, its markets, and what each source says."""

from fastapi import APIRouter, Response

from api.answers import answer
from api.dependencies import ServicesDep
from api.envelope import Answer, Envelope, Moment
from api.intervals import moment, optional_moment
from api.latest import Known, require_coin
from api.problems import InvalidRequest, NotFound, StoreDown, responses
from api.routes.coins import CoinRow, columns_of_coin, meta_of
from market.store.freshness import Freshness, main_candle, preferred_source
from market.store.rows import LastCandle, Snapshot

router = APIRouter(tags=["coins"])


class CoinMarket(Answer):
    """A market of the coin on an exchange. The price is in the quote currency."""

    source: str
    symbol: str
    quote: str
    is_main: bool
    last_price: float | None
    last_traded_at: Moment | None
    is_stale: bool


class SourcePrice(Answer):
    """What one source says."""

    source: str
    price_usd: float | None
    observed_at: Moment
    is_stale: bool


class CoinDetail(CoinRow):
    """A coin with everything known about it now."""

    fully_diluted_valuation_usd: float | None
    total_supply: float | None
    max_supply: float | None
    ath_usd: float | None
    atl_usd: float | None
    ath_at: Moment | None
    atl_at: Moment | None
    market_cap_change_24h_pct: float | None
    markets: list[CoinMarket]
    sources: list[SourcePrice]


@router.get(
    "/coins/{coin_id}",
    response_model=Envelope[CoinDetail],
    responses=responses(NotFound, InvalidRequest, StoreDown),
)
async def get_coin(coin_id: str, held: ServicesDep) -> Response:
    """One coin: columns of the table, its markets, and what each source says."""
    known = await held.latest.get()
    require_coin(coin_id, known)
    detail = _detail(coin_id, known, held.freshness)
    return answer(Envelope(data=detail, meta=meta_of([detail])))


def _detail(coin_id: str, known: Known, freshness: Freshness) -> CoinDetail:
    snapshots = known.snapshots.get(coin_id, [])
    candles = known.candles.get(coin_id, [])
    named = preferred_source(snapshots) or Snapshot(coin_id=coin_id, source="", observed_at_ms=0)
    main = main_candle(candles)
    sources = [_snapshot_price(snapshot, freshness) for snapshot in snapshots]
    if main is not None and main.last_traded_at_ms is not None:
        sources.append(
            SourcePrice(
                source=main.source,
                price_usd=main.price,
                observed_at=moment(main.last_traded_at_ms),
                is_stale=not freshness.is_trade_fresh(main.last_traded_at_ms),
            )
        )
    return CoinDetail(
        **columns_of_coin(coin_id, known, freshness),
        fully_diluted_valuation_usd=named.fully_diluted_valuation_usd,
        total_supply=named.total_supply,
        max_supply=named.max_supply,
        ath_usd=named.ath_usd,
        atl_usd=named.atl_usd,
        ath_at=optional_moment(named.ath_at_ms),
        atl_at=optional_moment(named.atl_at_ms),
        market_cap_change_24h_pct=named.market_cap_change_24h_pct,
        markets=[_market(candle, main, freshness) for candle in candles],
        sources=sources,
    )


def _snapshot_price(snapshot: Snapshot, freshness: Freshness) -> SourcePrice:
    return SourcePrice(
        source=snapshot.source,
        price_usd=snapshot.price_usd,
        observed_at=moment(snapshot.observed_at_ms),
        is_stale=not freshness.is_snapshot_fresh(snapshot.observed_at_ms),
    )


def _market(candle: LastCandle, main: LastCandle | None, freshness: Freshness) -> CoinMarket:
    return CoinMarket(
        source=candle.source,
        symbol=candle.symbol,
        quote=candle.quote,
        is_main=candle is main,
        last_price=candle.price,
        last_traded_at=optional_moment(candle.last_traded_at_ms),
        is_stale=not freshness.is_trade_fresh(candle.last_traded_at_ms),
    )
