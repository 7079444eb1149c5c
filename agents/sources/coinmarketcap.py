"""CoinMarketCap `/v1/cryptocurrency/listings/latest`: a second opinion on prices. Needs a key."""

from collections.abc import Iterator, Mapping
from typing import Any

from agents.checks import iso_ms, not_negative, number, positive, read_json, refuse, shown
from agents.memory import LastPosition, Positions
from agents.settings import AgentSettings
from agents.source import NOT_OURS, Outcome, PollSource, Request, Response
from market.coins import Coin, coin_of_coinmarketcap, coins
from market.errors import RecordRejected, Retryable
from schemas.codec import Record
from schemas.record_types import PRICE

COINS_PER_CREDIT = 100


class CoinMarketCap(PollSource):
    """Prices in US dollars, percentages in percent (not fractions), supplies in coins.

    The answer; nearly every number may be null, int or float::

        {"status": {"timestamp": "2019-02-04T08:23:16.301Z",
                    "error_code": 0,                    v3 may write "0"; not 0 also under HTTP 200
                    "error_message": null, "elapsed": 4, "credit_count": 1},
         "data": [{"id": 1,                             CoinMarketCap's own id: our only key
                   "name": "Bitcoin", "symbol": "BTC", "slug": "bitcoin", "cmc_rank": 1,
                   "circulating_supply": 17518375, "total_supply": 17518375,
                   "max_supply": 21000000,
                   "last_updated": "2019-02-04T08:22:25.000Z",
                   "quote": {"USD": {
                       "price": 3475.55287338,          USD
                       "volume_24h": 4998928970.98,     USD over rolling 24 h
                       "percent_change_1h": 0.211947, "percent_change_24h": -0.139657,
                       "percent_change_7d": -0.45336,   percent
                       "market_cap": 60886038568.19,    USD
                       "fully_diluted_market_cap": 72986610340.98,
                       "last_updated": "2019-02-04T08:22:25.000Z"}}}]}      event time

    v3 gives `quote` as an array, `[{"symbol": "USD", "price": ...}]`; both are read. A coin is ours
    where `market/coins.csv` has its id and one of its names; the others are passed over, because a
    ticker names no coin, and counted.
    """

    name = "coinmarketcap"
    source = "coinmarketcap"
    record_type = PRICE
    memory = LastPosition(source, ("coin_id",), "observed_at_ms")
    rest_setting = "coinmarketcap_url"
    key_setting = "coinmarketcap_api_key"

    def __init__(self, settings: AgentSettings) -> None:
        super().__init__(settings)
        self.poll_interval_s = settings.coinmarketcap_poll_interval_s

    def off_because(self) -> str | None:
        """There is no keyless access."""
        if self.settings.coinmarketcap_api_key is not None:
            return None
        return "no key: set CRYPTOVIZ_COINMARKETCAP_API_KEY to have CoinMarketCap's prices as well"

    def expected_keys(self) -> Iterator[tuple[str, ...]]:
        """As many of our coins as we ask for."""
        known = (coin.coin_id for coin in coins().values() if coin.coinmarketcap_id is not None)
        return ((coin_id,) for coin_id, _ in zip(known, self._ranks(), strict=False))

    def _ranks(self) -> range:
        return range(self.settings.coinmarketcap_coins)

    def requests(self, held: Positions) -> Iterator[Request]:
        """The largest coins, in one call."""
        del held
        key = self.settings.coinmarketcap_api_key
        wanted = len(self._ranks())
        yield Request(
            url=f"{self.base_url}/v1/cryptocurrency/listings/latest",
            params={"start": "1", "limit": str(wanted), "convert": "USD"},
            headers={} if key is None else {"X-CMC_PRO_API_KEY": key.get_secret_value()},
            cost=-(-wanted // COINS_PER_CREDIT),
        )

    def parse(self, response: Response, collected_at_ms: int) -> Iterator[Outcome]:
        """A record for each coin of ours, NOT_OURS for each other one."""
        for row in _listed(response.body):
            try:
                coin = _coin(row)
                yield NOT_OURS if coin is None else _record(row, coin, collected_at_ms)
            except RecordRejected as rejected:
                yield rejected


def _listed(body: bytes) -> list[Any]:
    answer = read_json(body, "CoinMarketCap")
    if not isinstance(answer, dict):
        raise Retryable(f"CoinMarketCap's answer is no object: {body[:80]!r}")
    status = answer.get("status")
    code = status.get("error_code") if isinstance(status, dict) else None
    if code not in (None, 0, "0"):
        raise Retryable(f"CoinMarketCap's error {shown(code)}: {shown(status)}")
    rows = answer.get("data")
    if not isinstance(rows, list):
        raise Retryable(f"CoinMarketCap's answer holds no list of coins: {body[:80]!r}")
    return rows


def _coin(row: object) -> Coin | None:
    if not isinstance(row, dict):
        raise refuse("not an object", row)
    coinmarketcap_id = row.get("id")
    if type(coinmarketcap_id) is not int:
        raise refuse(f"id is {shown(coinmarketcap_id)}, not a whole number", row)
    coin = coin_of_coinmarketcap(coinmarketcap_id)
    if coin is not None and not _bears_its_name(row, coin):
        raise refuse(
            f"id {coinmarketcap_id} is {shown(row.get('name'))} ({shown(row.get('symbol'))}), and "
            f"market/coins.csv gives it to {coin.coin_id}: correct the id or the name there",
            row,
        )
    return coin


def _bears_its_name(row: Mapping[str, Any], coin: Coin) -> bool:
    """Whether one of its names, if it has any, is one of ours. The id alone joins; this only keeps
    a slip in our map from giving one coin the price of another."""
    found = (row.get(name) for name in ("name", "symbol", "slug"))
    theirs = {name.casefold() for name in found if isinstance(name, str)}
    ours = (coin.name, coin.symbol, coin.coin_id, coin.exchange_base or coin.symbol)
    return not theirs or not theirs.isdisjoint(one.casefold() for one in ours)


def _dollars(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The quote in US dollars, of either shape."""
    quotes = row.get("quote")
    found = None
    if isinstance(quotes, dict):
        found = quotes.get("USD")
    elif isinstance(quotes, list):
        found = next((q for q in quotes if isinstance(q, dict) and q.get("symbol") == "USD"), None)
    if not isinstance(found, dict):
        raise refuse(f"quote is {shown(quotes)}, without US dollars", row)
    return found


def _record(row: Mapping[str, Any], coin: Coin, collected_at_ms: int) -> Record:
    quote = _dollars(row)
    observed_at_ms = iso_ms(quote, "last_updated") or iso_ms(row, "last_updated")
    if observed_at_ms is None:
        raise refuse("last_updated is missing, so the snapshot has no identity", row)
    rank = positive(row, "cmc_rank")
    return {
        "source": CoinMarketCap.source,
        "coin_id": coin.coin_id,
        "symbol": coin.symbol,
        "name": coin.name,
        "observed_at_ms": observed_at_ms,
        "collected_at_ms": collected_at_ms,
        "price_usd": positive(quote, "price"),
        # CoinMarketCap writes 0 where it does not know the supply; a missing number is null.
        "market_cap_usd": not_negative(quote, "market_cap") or None,
        "market_cap_rank": None if rank is None else int(rank),
        "fully_diluted_valuation_usd": not_negative(quote, "fully_diluted_market_cap") or None,
        "volume_24h_usd": not_negative(quote, "volume_24h"),
        "high_24h_usd": None,
        "low_24h_usd": None,
        "change_1h_pct": number(quote, "percent_change_1h"),
        "change_24h_pct": number(quote, "percent_change_24h"),
        "change_7d_pct": number(quote, "percent_change_7d"),
        "market_cap_change_24h_pct": None,
        "circulating_supply": not_negative(row, "circulating_supply") or None,
        "total_supply": not_negative(row, "total_supply") or None,
        "max_supply": not_negative(row, "max_supply") or None,
        "ath_usd": None,
        "ath_at_ms": None,
        "atl_usd": None,
        "atl_at_ms": None,
    }
