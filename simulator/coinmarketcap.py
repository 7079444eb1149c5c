"""CoinMarketCap's `/v1/cryptocurrency/listings/latest`.

A key is needed: none is 1002, one that begins with `invalid` is 1001. `error_code` stands in
`status` also where all is well. The numbers are the snapshots that CoinGecko's route tells, too.
"""

from collections.abc import Mapping, Sequence

from aiohttp import web

from market.coins import Coin, coins
from simulator.answers import SIMULATION, answer
from simulator.coingecko import iso, ranked_rows, told_prices, whole
from simulator.scenario import Snapshot

SOURCE = "coinmarketcap"
KEY_HEADER = "X-CMC_PRO_API_KEY"
DEFAULT_LIMIT, MAX_LIMIT = 100, 5_000
CREDIT_COINS = 100


class CoinMarketCapError(Exception):
    """An error in CoinMarketCap's words."""

    def __init__(self, code: int, message: str, *, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def status_of(
    now_ms: int, *, code: int = 0, message: str | None = None, credit_count: int = 0
) -> object:
    """The part of every answer that says whether it is one."""
    return {
        "timestamp": iso(now_ms),
        "error_code": code,
        "error_message": message,
        "elapsed": 1,
        "credit_count": credit_count,
        "notice": None,
    }


def error_answer(error: CoinMarketCapError, now_ms: int) -> web.Response:
    """The answer of an error."""
    status = status_of(now_ms, code=error.code, message=str(error))
    return answer({"status": status}, status=error.status)


def require_key(request: web.Request) -> None:
    """Refuse whoever has no key."""
    key = request.headers.get(KEY_HEADER, "")
    if not key:
        raise CoinMarketCapError(1002, "API key missing.", status=401)
    if key.startswith("invalid"):
        raise CoinMarketCapError(1001, "This API Key is invalid.", status=401)


def listing(coin: Coin, one: Snapshot, row: Mapping[str, object], total_cap: float) -> object:
    """A coin as the listing has it; `row` is its numbers in CoinGecko's names."""
    cap = row["market_cap"]
    share = cap / total_cap * 100 if isinstance(cap, float) and total_cap else None
    return {
        "id": coin.coinmarketcap_id,
        "name": coin.name,
        "symbol": coin.symbol,
        "slug": coin.coin_id,
        "num_market_pairs": None,
        "date_added": "2013-04-28T00:00:00.000Z",
        "tags": [],
        "max_supply": one.max_supply,
        "circulating_supply": one.circulating_supply,
        "total_supply": one.total_supply,
        "infinite_supply": one.max_supply is None and one.total_supply is not None,
        "platform": None,
        "cmc_rank": row["market_cap_rank"],
        "last_updated": iso(one.observed_at_ms),
        "quote": {
            "USD": {
                "price": one.price_usd,
                "volume_24h": one.volume_24h_usd,
                "volume_change_24h": None,
                "percent_change_1h": one.changes_pct.get("1h"),
                "percent_change_24h": one.changes_pct.get("24h"),
                "percent_change_7d": one.changes_pct.get("7d"),
                "percent_change_30d": one.changes_pct.get("30d"),
                "market_cap": cap,
                "market_cap_dominance": share,
                "fully_diluted_market_cap": row["fully_diluted_valuation"],
                "last_updated": iso(one.observed_at_ms),
            }
        },
    }


def listed(snapshots: Sequence[Snapshot]) -> Sequence[tuple[Coin, Snapshot, Mapping[str, object]]]:
    """Coins that CoinMarketCap has, with their numbers, largest first."""
    by_id = {one.coin_id: one for one in snapshots}
    rows = ranked_rows(snapshots)
    named = ((coins()[str(row["id"])], by_id[str(row["id"])], row) for row in rows)
    return [one for one in named if one[0].coinmarketcap_id is not None]


async def listings_latest(request: web.Request) -> web.Response:
    """`GET /v1/cryptocurrency/listings/latest?start&limit&convert=USD`."""
    require_key(request)
    simulation, query = request.app[SIMULATION], request.query
    convert = query.get("convert", "USD")
    if convert.upper() != "USD":
        raise CoinMarketCapError(400, f'Invalid value for "convert": "{convert}"', status=400)
    rows = listed(simulation.snapshots())
    first = whole(query, "start", 1, MAX_LIMIT) - 1
    page = rows[first : first + whole(query, "limit", DEFAULT_LIMIT, MAX_LIMIT)]
    caps = (row["market_cap"] for _, __, row in rows)
    total = sum(cap for cap in caps if isinstance(cap, float))
    status = status_of(simulation.now_ms(), credit_count=-(-len(page) // CREDIT_COINS))
    told = told_prices(SOURCE, [one for _, one, __ in page], {coin.coin_id for coin, _, __ in page})
    return answer(
        {"status": status, "data": [listing(coin, one, row, total) for coin, one, row in page]},
        told=told,
    )


ROUTES = (web.get("/v1/cryptocurrency/listings/latest", listings_latest),)
