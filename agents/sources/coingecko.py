"""CoinGecko `/coins/markets`: one call gives a snapshot of all our coins."""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from agents.checks import iso_ms, not_negative, number, positive, read_json, refuse, text
from agents.memory import LastPosition, Positions
from agents.settings import AgentSettings
from agents.source import Outcome, PollSource, Request, Response
from market.coins import coins
from market.errors import RecordRejected, Retryable
from schemas.codec import Record
from schemas.record_types import PRICE

# CoinGecko's largest page; one call serves everything while we know at most as many coins.
PAGE_COINS = 250


class CoinGecko(PollSource):
    """Prices in US dollars, percentages in percent (not fractions), supplies in coins.

    One element of the answer, an array (nearly every number may be null, int or float)::

        {"id": "bitcoin", "symbol": "btc", "name": "Bitcoin",
         "current_price": 32797,                         USD
         "market_cap": 613445605654,                     USD, 0 where the supply is unknown
         "market_cap_rank": 1, "fully_diluted_valuation": 687370246260,
         "total_volume": 34555888553,                    USD over rolling 24 h
         "high_24h": 34877, "low_24h": 32318,            USD
         "price_change_percentage_24h": -3.15532,        percent
         "market_cap_change_percentage_24h": -3.31448,   percent
         "circulating_supply": 18741512.0, "total_supply": 21000000.0, "max_supply": 21000000.0,
         "ath": 64805, "ath_date": "2021-04-14T11:54:46.763Z",
         "atl": 67.81, "atl_date": "2013-07-06T00:00:00.000Z",
         "last_updated": "2021-06-24T03:32:13.383Z",     event time
         "price_change_percentage_1h_in_currency": 0.12,
         "price_change_percentage_24h_in_currency": -3.15,
         "price_change_percentage_7d_in_currency": -15.2}
    """

    name = "coingecko"
    source = "coingecko"
    record_type = PRICE
    memory = LastPosition(source, ("coin_id",), "observed_at_ms")
    rest_setting = "coingecko_url"
    key_setting = "coingecko_api_key"

    def __init__(self, settings: AgentSettings) -> None:
        super().__init__(settings)
        self.poll_interval_s = settings.coingecko_poll_interval_s

    def expected_keys(self) -> Iterable[tuple[str, ...]]:
        """Each coin that we ask for."""
        return ((coin_id,) for coin_id in coins())

    def requests(self, held: Positions) -> Iterable[Request]:
        """One call for all coins of coins.csv."""
        del held
        ids = list(coins())
        for start in range(0, len(ids), PAGE_COINS):
            page = ids[start : start + PAGE_COINS]
            yield Request(
                url=f"{self.base_url}/coins/markets",
                params={
                    "vs_currency": "usd",
                    "ids": ",".join(page),
                    "order": "market_cap_desc",
                    "per_page": str(PAGE_COINS),
                    "page": "1",
                    "sparkline": "false",
                    "price_change_percentage": "1h,24h,7d",
                },
                headers=key_header(self.settings.coingecko_api_key, self.base_url),
            )

    def parse(self, response: Response, collected_at_ms: int) -> Iterator[Outcome]:
        """A record for each coin that was last updated at a known time."""
        for row in _array(response.body):
            try:
                yield _record(row, collected_at_ms)
            except RecordRejected as rejected:
                yield rejected


def key_header(key: SecretStr | None, base_url: str) -> dict[str, str]:
    """The header that carries the key: CoinGecko has one name for each of its hosts."""
    if key is None:
        return {}
    is_pro = (urlsplit(base_url).hostname or "").startswith("pro-api.")
    name = "x-cg-pro-api-key" if is_pro else "x-cg-demo-api-key"
    return {name: key.get_secret_value()}


def _array(body: bytes) -> list[Any]:
    rows = read_json(body, "CoinGecko")
    if not isinstance(rows, list):
        raise Retryable(f"CoinGecko's answer is not an array of coins: {body[:80]!r}")
    return rows


def _record(row: object, collected_at_ms: int) -> Record:
    if not isinstance(row, dict):
        raise refuse("not an object", row)
    observed_at_ms = iso_ms(row, "last_updated")
    if observed_at_ms is None:
        raise refuse("last_updated is missing, so the snapshot has no identity", row)
    rank = positive(row, "market_cap_rank")
    change_24h_pct = number(row, "price_change_percentage_24h_in_currency")
    if change_24h_pct is None:
        change_24h_pct = number(row, "price_change_percentage_24h")
    return {
        "source": CoinGecko.source,
        "coin_id": text(row, "id"),
        "symbol": text(row, "symbol").upper(),
        "name": text(row, "name"),
        "observed_at_ms": observed_at_ms,
        "collected_at_ms": collected_at_ms,
        "price_usd": positive(row, "current_price"),
        # CoinGecko writes 0 where it does not know the supply; a missing number is null with us.
        "market_cap_usd": not_negative(row, "market_cap") or None,
        "market_cap_rank": None if rank is None else int(rank),
        "fully_diluted_valuation_usd": not_negative(row, "fully_diluted_valuation") or None,
        "volume_24h_usd": not_negative(row, "total_volume"),
        "high_24h_usd": positive(row, "high_24h"),
        "low_24h_usd": positive(row, "low_24h"),
        "change_1h_pct": number(row, "price_change_percentage_1h_in_currency"),
        "change_24h_pct": change_24h_pct,
        "change_7d_pct": number(row, "price_change_percentage_7d_in_currency"),
        "market_cap_change_24h_pct": number(row, "market_cap_change_percentage_24h"),
        "circulating_supply": not_negative(row, "circulating_supply"),
        "total_supply": not_negative(row, "total_supply"),
        "max_supply": not_negative(row, "max_supply"),
        "ath_usd": positive(row, "ath"),
        "ath_at_ms": iso_ms(row, "ath_date"),
        "atl_usd": positive(row, "atl"),
        "atl_at_ms": iso_ms(row, "atl_date"),
    }
