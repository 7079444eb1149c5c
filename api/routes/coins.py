"""The market table: snapshot columns, the best known price, and where each is from."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.answers import MEDIA_TYPE, encoded
from api.dependencies import Services, ServicesDep
from api.envelope import Answer, Envelope, Meta, Moment
from api.intervals import moment, optional_moment
from api.latest import Known
from api.problems import InvalidRequest, StoreDown, responses
from market.coins import coins
from market.store.freshness import (
    CoinPrice,
    Freshness,
    preferred_source,
    price_of_coin,
)
from market.store.rows import Snapshot

router = APIRouter(tags=["coins"])

OrderBy = Literal[
    "market_cap_rank",
    "coin_id",
    "symbol",
    "name",
    "price_usd",
    "market_cap_usd",
    "volume_24h_usd",
    "high_24h_usd",
    "low_24h_usd",
    "change_1h_pct",
    "change_24h_pct",
    "change_7d_pct",
    "circulating_supply",
]


class CoinRow(Answer):
    """One line of the market table. Missing numbers are null."""

    coin_id: str = Field(description="CoinGecko's id.")
    symbol: str
    name: str
    market_cap_rank: int | None
    price_usd: float | None
    price_source: str | None = Field(
        description="An exchange for the last trade of the main market (under 60 s old), else "
        "the source of the snapshot."
    )
    price_market: str | None = Field(description="Market such as BTCUSDT; null for a snapshot.")
    price_observed_at: Moment | None
    price_is_stale: bool
    market_cap_usd: float | None
    volume_24h_usd: float | None
    high_24h_usd: float | None
    low_24h_usd: float | None
    change_1h_pct: float | None
    change_24h_pct: float | None
    change_7d_pct: float | None
    circulating_supply: float | None
    source: str | None = Field(description="Source of the snapshot columns.")
    observed_at: Moment | None = Field(description="When the source saw the snapshot.")
    collected_at: Moment | None = Field(description="When we received it.")
    is_stale: bool = Field(description="True when the snapshot is older than it should be.")


@router.get(
    "/coins",
    response_model=Envelope[list[CoinRow]],
    responses=responses(InvalidRequest, StoreDown),
)
async def list_coins(
    held: ServicesDep,
    *,
    order_by: Annotated[OrderBy, Query(description="Column; nulls come last.")] = "market_cap_rank",
    order: Annotated[Literal["asc", "desc"], Query()] = "asc",
    search: Annotated[str, Query(max_length=64, description="Part of name, symbol or id.")] = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    per_page: Annotated[int, Query(ge=1, le=250)] = 100,
) -> Response:
    """The market table: every coin with its best known price."""
    known = await held.latest.get()
    key = (order_by, order, search, page, per_page)
    body = known.rendered.get(key)
    if body is None:
        body = known.keep(key, encoded(_table(known, held, *key)))
    return Response(body, media_type=MEDIA_TYPE)


def _table(  # noqa: PLR0917 -- the key of the kept answer, in its order
    known: Known, held: Services, order_by: str, order: str, search: str, page: int, per_page: int
) -> Envelope[list[CoinRow]]:
    freshness = held.freshness
    coin_ids = known.snapshots.keys() | known.candles.keys()
    rows = [CoinRow(**columns_of_coin(coin_id, known, freshness)) for coin_id in sorted(coin_ids)]
    found = _sorted([row for row in rows if _matches(row, search)], order_by, order == "desc")
    start = (page - 1) * per_page
    shown = found[start : start + per_page]
    following = None
    if start + per_page < len(found):
        query = {"order_by": order_by, "order": order, "search": search}
        following = "/coins?" + urlencode({**query, "page": page + 1, "per_page": per_page})
    return Envelope(data=shown, meta=meta_of(shown, following=following))


def _matches(row: CoinRow, search: str) -> bool:
    wanted = search.strip().casefold()
    return any(wanted in text.casefold() for text in (row.coin_id, row.symbol, row.name))


def _sorted(rows: list[CoinRow], order_by: str, descending: bool) -> list[CoinRow]:
    """By the column with nulls last in both directions; equal values by coin_id."""

    def column(row: CoinRow) -> Any:  # noqa: ANN401 -- one column holds one type
        cell = getattr(row, order_by)
        return cell.casefold() if isinstance(cell, str) else cell

    present = [row for row in rows if getattr(row, order_by) is not None]
    missing = [row for row in rows if getattr(row, order_by) is None]
    return sorted(present, key=column, reverse=descending) + missing


def columns_of_coin(coin_id: str, known: Known, freshness: Freshness) -> dict[str, Any]:
    """The fields of CoinRow."""
    snapshot = preferred_source(known.snapshots.get(coin_id, ()))
    price = price_of_coin(snapshot, known.candles.get(coin_id, ()), freshness)
    coin = coins().get(coin_id)
    named = snapshot or Snapshot(coin_id=coin_id, source="", observed_at_ms=0)
    return {
        "coin_id": coin_id,
        "symbol": (named.symbol or (coin.symbol if coin else coin_id)).upper(),
        "name": named.name or (coin.name if coin else coin_id),
        "market_cap_rank": named.market_cap_rank,
        **_price_columns(price),
        "market_cap_usd": named.market_cap_usd,
        "volume_24h_usd": named.volume_24h_usd,
        "high_24h_usd": named.high_24h_usd,
        "low_24h_usd": named.low_24h_usd,
        "change_1h_pct": named.change_1h_pct,
        "change_24h_pct": named.change_24h_pct,
        "change_7d_pct": named.change_7d_pct,
        "circulating_supply": named.circulating_supply,
        "source": snapshot.source if snapshot else None,
        "observed_at": moment(snapshot.observed_at_ms) if snapshot else None,
        "collected_at": optional_moment(named.collected_at_ms),
        "is_stale": not freshness.is_snapshot_fresh(snapshot.observed_at_ms if snapshot else None),
    }


def _price_columns(price: CoinPrice | None) -> dict[str, Any]:
    return {
        "price_usd": price.price_usd if price else None,
        "price_source": price.source if price else None,
        "price_market": price.market if price else None,
        "price_observed_at": moment(price.observed_at_ms) if price else None,
        "price_is_stale": price.is_stale if price else True,
    }


def meta_of(rows: Sequence[CoinRow], *, following: str | None = None) -> Meta:
    """As of the newest price or snapshot among the rows; stale when nothing in it is fresh."""
    observed = [
        at for row in rows for at in (row.price_observed_at, row.observed_at) if at is not None
    ]
    sources = {name for row in rows for name in (row.price_source, row.source) if name is not None}
    return Meta(
        as_of=max(observed, default=None),
        is_stale=all(row.price_is_stale and row.is_stale for row in rows),
        source=", ".join(sorted(sources)) or None,
        next=following,
    )
