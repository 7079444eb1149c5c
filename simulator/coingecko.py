"""CoinGecko's `/ping`, `/coins/markets` and `/global` under `/api/v3`.

`last_updated` is the last whole scenario minute: asking twice inside a minute gives the same
snapshot, as the vendor's own cache does. What a scenario does not know is null.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from aiohttp import web

from market.coins import coins
from market.main_market import MAIN_QUOTES
from simulator.answers import SIMULATION, answer
from simulator.published import Told
from simulator.scenario import CHANGE_SPANS_MS, HOUR_MS, Snapshot
from simulator.simulation import Simulation

DEFAULT_PER_PAGE, MAX_PER_PAGE = 100, 250
SPARKLINE_HOURS = 168
SOURCE = "coingecko"
Row = dict[str, object]

ORDERS: Mapping[str, Callable[[Row], object]] = {
    "market_cap": lambda row: row["market_cap"],
    "volume": lambda row: row["total_volume"],
    "id": lambda row: row["id"],
}


class CoinGeckoError(Exception):
    """An error in CoinGecko's words."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


def iso(at_ms: int | None) -> str | None:
    """ISO 8601 with milliseconds and Z."""
    if at_ms is None:
        return None
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def times(price: float | None, amount: float | None) -> float | None:
    """A product, None where a factor is unknown."""
    return None if price is None or amount is None else round(price * amount, 2)


def away_pct(price: float | None, extreme: float | None) -> float | None:
    """Percent of a price from an extreme."""
    return None if price is None or not extreme else round((price / extreme - 1) * 100, 5)


def market_row(one: Snapshot) -> Row:
    """A coin as `/coins/markets` lists it; rank and the asked spans are added by the caller."""
    coin, price = coins()[one.coin_id], one.price_usd
    cap = times(price, one.circulating_supply)
    cap_ago = times(one.price_24h_ago_usd, one.circulating_supply)
    change = one.changes_pct.get("24h")
    ago = one.price_24h_ago_usd
    return {
        "id": one.coin_id,
        "symbol": coin.symbol.lower(),
        "name": coin.name,
        "image": None,
        "current_price": price,
        "market_cap": cap,
        "market_cap_rank": None,
        "fully_diluted_valuation": times(price, one.max_supply or one.total_supply),
        "total_volume": None if one.volume_24h_usd is None else round(one.volume_24h_usd, 2),
        "high_24h": one.high_24h_usd,
        "low_24h": one.low_24h_usd,
        "price_change_24h": None if price is None or ago is None else round(price - ago, 12),
        "price_change_percentage_24h": None if change is None else round(change, 5),
        "market_cap_change_24h": None
        if cap is None or cap_ago is None
        else round(cap - cap_ago, 2),
        "market_cap_change_percentage_24h": away_pct(cap, cap_ago),
        "circulating_supply": one.circulating_supply,
        "total_supply": one.total_supply,
        "max_supply": one.max_supply,
        "ath": one.ath_usd,
        "ath_change_percentage": away_pct(price, one.ath_usd),
        "ath_date": iso(one.ath_at_ms),
        "atl": one.atl_usd,
        "atl_change_percentage": away_pct(price, one.atl_usd),
        "atl_date": iso(one.atl_at_ms),
        "roi": None,
        "last_updated": iso(one.observed_at_ms),
    }


def ranked_rows(snapshots: Sequence[Snapshot]) -> list[Row]:
    """All coins, largest first; a coin without a market cap has no rank."""
    rows = sorted_by(list(map(market_row, snapshots)), "market_cap_desc")
    for rank, row in enumerate(rows, 1):
        row["market_cap_rank"] = rank if row["market_cap"] is not None else None
    return rows


def sorted_by(rows: list[Row], order: str) -> list[Row]:
    """Rows in one of CoinGecko's orders, unknown numbers last; an unknown order changes nothing."""
    name, _, direction = order.rpartition("_")
    key = ORDERS.get(name)
    if key is None:
        return rows
    known = [row for row in rows if key(row) is not None]
    known.sort(key=key, reverse=direction == "desc")  # type: ignore[arg-type]
    return known + [row for row in rows if key(row) is None]


def whole(query: Mapping[str, str], name: str, default: int, highest: int) -> int:
    """A page number or size, brought into its range as the vendor does."""
    text = query.get(name, "")
    return min(max(int(text), 1), highest) if text.isdecimal() else default


def sparkline(simulation: Simulation, coin_id: str) -> list[float]:
    """Hourly closes of the last seven days of a coin's main dollar market."""
    scenario, now_ms = simulation.scenario, simulation.now_ms()
    symbol = next(
        (
            symbol
            for quote in MAIN_QUOTES
            for symbol, one in scenario.instruments.items()
            if one.coin_id == coin_id and one.quote == quote
        ),
        None,
    )
    if symbol is None:
        return []
    first_ms = now_ms - now_ms % HOUR_MS - SPARKLINE_HOURS * HOUR_MS
    rows = scenario.klines(symbol, HOUR_MS, first_ms, SPARKLINE_HOURS, now_ms)
    return [float(row.close) for row in rows]


async def coins_markets(request: web.Request) -> web.Response:
    """`GET /coins/markets`."""
    simulation, query = request.app[SIMULATION], request.query
    if "vs_currency" not in query:
        raise CoinGeckoError("Missing parameter vs_currency", status=422)
    if query["vs_currency"].lower() != "usd":
        raise CoinGeckoError("invalid vs_currency", status=422)
    snapshots = simulation.snapshots()
    rows = ranked_rows(snapshots)
    if query.get("ids"):
        wanted = {one.strip() for one in query["ids"].split(",")}
        rows = [row for row in rows if row["id"] in wanted]
    rows = sorted_by(rows, query.get("order", "market_cap_desc"))
    per_page = whole(query, "per_page", DEFAULT_PER_PAGE, MAX_PER_PAGE)
    first = (whole(query, "page", 1, 10**6) - 1) * per_page
    rows = rows[first : first + per_page]
    spans = [
        span
        for span in query.get("price_change_percentage", "").split(",")
        if span in CHANGE_SPANS_MS
    ]
    changes = {one.coin_id: one.changes_pct for one in snapshots}
    for row in rows:
        coin_id = str(row["id"])
        if query.get("sparkline") == "true":
            row["sparkline_in_7d"] = {"price": sparkline(simulation, coin_id)}
        for span in spans:
            row[f"price_change_percentage_{span}_in_currency"] = changes[coin_id].get(span)
    return answer(rows, told=told_prices(SOURCE, snapshots, {str(row["id"]) for row in rows}))


def told_prices(source: str, snapshots: Sequence[Snapshot], coin_ids: set[str]) -> list[Told]:
    """The snapshots of an answer that names these coins."""
    by_time: dict[int, list[str]] = {}
    for one in snapshots:
        if one.coin_id in coin_ids:
            by_time.setdefault(one.observed_at_ms, []).append(one.coin_id)
    return [Told("prices", source, at_ms, tuple(ids)) for at_ms, ids in by_time.items()]


async def global_market(request: web.Request) -> web.Response:
    """`GET /global`: sums over the coins whose market cap is known."""
    simulation = request.app[SIMULATION]
    snapshots = simulation.snapshots()
    caps = {one.coin_id: times(one.price_usd, one.circulating_supply) for one in snapshots}
    known = {coin_id: cap for coin_id, cap in caps.items() if cap is not None}
    before = [times(one.price_24h_ago_usd, one.circulating_supply) for one in snapshots]
    total, total_before = sum(known.values()), sum(cap for cap in before if cap is not None)
    volume = sum(one.volume_24h_usd for one in snapshots if one.volume_24h_usd is not None)
    largest = sorted(known.items(), key=lambda item: -item[1])[:10]
    updated_ms = max((one.observed_at_ms for one in snapshots), default=simulation.now_ms())
    return answer(
        {
            "data": {
                "active_cryptocurrencies": len(snapshots),
                "upcoming_icos": 0,
                "ongoing_icos": 0,
                "ended_icos": 0,
                "markets": 1,
                "total_market_cap": {"usd": total} if known else {},
                "total_volume": {"usd": volume},
                "market_cap_percentage": {
                    coins()[coin_id].symbol.lower(): cap / total * 100 for coin_id, cap in largest
                },
                "market_cap_change_percentage_24h_usd": (
                    (total / total_before - 1) * 100 if total_before else None
                ),
                "updated_at": updated_ms // 1000,
            }
        },
        told=[Told("global", SOURCE, updated_ms // 1000 * 1000)],
    )


async def ping(_request: web.Request) -> web.Response:
    """`GET /ping`."""
    return answer({"gecko_says": "(V3) To the Moon!"})


ROUTES = (
    web.get("/api/v3/ping", ping),
    web.get("/api/v3/coins/markets", coins_markets),
    web.get("/api/v3/global", global_market),
)
