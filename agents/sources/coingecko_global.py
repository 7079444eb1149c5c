"""CoinGecko `/global`: the whole market in one object."""

from collections.abc import Iterable, Iterator
from typing import Any

from agents.checks import not_negative, number, positive, read_json, refuse, shown
from agents.memory import LastPosition, Positions
from agents.settings import AgentSettings
from agents.source import Outcome, PollSource, Request, Response
from agents.sources.coingecko import key_header
from market.errors import RecordRejected, Retryable
from schemas.codec import Record
from schemas.record_types import GLOBAL


class CoinGeckoGlobal(PollSource):
    """Totals in US dollars, shares and changes in percent (not fractions).

    The answer::

        {"data": {"active_cryptocurrencies": 17397,                 coins
                  "markets": 1476,                                  exchanges
                  "total_market_cap": {"usd": 2621040321355.05, "btc": 34570737.2, ...},
                  "total_volume": {"usd": 95133256404.37, ...},     over rolling 24 h
                  "market_cap_percentage": {"btc": 57.95, "eth": 9.58, ...},
                  "market_cap_change_percentage_24h_usd": -1.61,
                  "updated_at": 1779878351}}                        event time, seconds UTC
    """

    name = "coingecko_global"
    source = "coingecko"
    record_type = GLOBAL
    memory = LastPosition(source, (), "observed_at_ms")
    rest_setting = "coingecko_url"
    key_setting = "coingecko_api_key"

    def __init__(self, settings: AgentSettings) -> None:
        super().__init__(settings)
        self.poll_interval_s = settings.coingecko_global_poll_interval_s

    def expected_keys(self) -> Iterable[tuple[str, ...]]:
        """There is one market."""
        return ((),)

    def requests(self, held: Positions) -> Iterable[Request]:
        """One call."""
        del held
        headers = key_header(self.settings.coingecko_api_key, self.base_url)
        yield Request(url=f"{self.base_url}/global", headers=headers)

    def parse(self, response: Response, collected_at_ms: int) -> Iterator[Outcome]:
        """One record."""
        try:
            yield _record(_market(response.body), collected_at_ms)
        except RecordRejected as rejected:
            yield rejected


def _market(body: bytes) -> dict[str, Any]:
    answer = read_json(body, "CoinGecko")
    market = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(market, dict):
        raise Retryable(f"CoinGecko's answer holds no market: {body[:80]!r}")
    return market


def _record(row: dict[str, Any], collected_at_ms: int) -> Record:
    updated_at_s = row.get("updated_at")
    if type(updated_at_s) is not int or not 0 < updated_at_s < 2**40:
        raise refuse(f"updated_at is {shown(updated_at_s)}, not seconds of a day", row)
    shares = _by_currency(row, "market_cap_percentage")
    return {
        "source": CoinGeckoGlobal.source,
        "observed_at_ms": updated_at_s * 1000,
        "collected_at_ms": collected_at_ms,
        "market_cap_usd": positive(_by_currency(row, "total_market_cap"), "usd"),
        "volume_24h_usd": not_negative(_by_currency(row, "total_volume"), "usd"),
        "market_cap_change_24h_pct": number(row, "market_cap_change_percentage_24h_usd"),
        "btc_dominance_pct": _share(shares, "btc"),
        "eth_dominance_pct": _share(shares, "eth"),
        "active_coins": _count(row, "active_cryptocurrencies"),
        "markets": _count(row, "markets"),
    }


def _by_currency(row: dict[str, Any], name: str) -> dict[str, Any]:
    found = row.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise refuse(f"{name} is {shown(found)}, not amounts by currency", row)
    return found


def _share(shares: dict[str, Any], name: str) -> float | None:
    share = not_negative(shares, name)
    if share is not None and share > 100:
        raise refuse(f"{name} has {shown(share)} percent of the market", shares)
    return share


def _count(row: dict[str, Any], name: str) -> int | None:
    found = not_negative(row, name)
    return None if found is None else int(found)
