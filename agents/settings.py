"""Settings of the agents: addresses, keys and limits, read once in `agents.__main__`."""

import re
import sys
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from market.coins import market_of
from market.errors import Fatal
from market.markets import read_markets
from market.settings import ENV_PREFIX, PlatformSettings

FEED = re.compile(r"[a-z][a-z0-9_]*=https?://[^/\s,]+[^\s,]*")

VENDORS = ("coingecko", "coinmarketcap", "binance", "fear", "rss")
"""First words of the agents' names and of their settings."""


class AgentSettings(PlatformSettings):
    """One class for all agents, so that one environment serves them all."""

    coingecko_url: Annotated[
        str,
        Field(
            pattern=r"^https?://[^/\s]+",
            description="CoinGecko's address; pro keys need https://pro-api.coingecko.com/api/v3.",
        ),
    ] = "https://api.coingecko.com/api/v3"
    coingecko_api_key: Annotated[
        SecretStr | None, Field(description="Optional demo or pro key, by the address's host.")
    ] = None
    coingecko_poll_interval_s: Annotated[
        float, Field(gt=0, description="Platform seconds from one poll of CoinGecko to the next.")
    ] = 60.0
    coingecko_global_poll_interval_s: Annotated[
        float,
        Field(gt=0, description="Platform seconds from one poll of the whole market to the next."),
    ] = 60.0
    coinmarketcap_url: Annotated[
        str, Field(pattern=r"^https?://[^/\s]+", description="CoinMarketCap's address.")
    ] = "https://pro-api.coinmarketcap.com"
    coinmarketcap_api_key: Annotated[
        SecretStr | None, Field(description="Its key; without one this agent is off.")
    ] = None
    coinmarketcap_poll_interval_s: Annotated[
        float, Field(gt=0, description="Platform seconds from one poll of it to the next.")
    ] = 180.0
    coinmarketcap_coins: Annotated[
        int, Field(ge=1, le=5_000, description="Largest coins to ask for; a credit each 100.")
    ] = 100
    fear_greed_url: Annotated[
        str, Field(pattern=r"^https?://[^/\s]+", description="alternative.me's address.")
    ] = "https://api.alternative.me"
    fear_greed_retry_s: Annotated[
        float, Field(gt=0, description="Platform seconds between polls while a day is overdue.")
    ] = 600.0
    rss_feeds: Annotated[
        tuple[str, ...], NoDecode, Field(description="Feeds as NAME=URL, comma-separated.")
    ] = (
        "coindesk=https://www.coindesk.com/arc/outboundfeeds/rss/",
        "cointelegraph=https://cointelegraph.com/rss",
    )
    rss_poll_interval_s: Annotated[
        float, Field(gt=0, description="Platform seconds from one poll of the feeds to the next.")
    ] = 300.0
    binance_stream_url: Annotated[
        str, Field(pattern=r"^wss?://[^/\s]+", description="Binance's WebSocket address.")
    ] = "wss://data-stream.binance.vision"
    binance_rest_url: Annotated[
        str, Field(pattern=r"^https?://[^/\s]+", description="Binance's REST address.")
    ] = "https://data-api.binance.vision"
    markets_file: Annotated[
        Path | None,
        Field(description="Markets to follow by venue, TOML; unset means market/markets.toml."),
    ] = None
    binance_symbols: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            validate_default=True,
            description="Markets to follow instead of those in the file, comma-separated.",
        ),
    ] = ()
    binance_stream_max_age_s: Annotated[
        float,
        Field(
            gt=0,
            description="Real seconds after which a stream is renewed; Binance cuts it at 24 h.",
        ),
    ] = 85_800.0
    binance_silent_after_s: Annotated[
        float,
        Field(gt=0, description="Platform seconds without a trade before a market may be silent."),
    ] = 60.0

    coingecko_calls_per_minute: Annotated[
        int | None, Field(ge=1, description="Calls a minute that your CoinGecko plan allows.")
    ] = 30
    coingecko_calls_per_month: Annotated[
        int | None, Field(ge=1, description="Calls a month that your CoinGecko plan allows.")
    ] = 10_000
    coinmarketcap_calls_per_minute: Annotated[
        int | None, Field(ge=1, description="Calls a minute that your CoinMarketCap plan allows.")
    ] = 30
    coinmarketcap_calls_per_month: Annotated[
        int | None, Field(ge=1, description="Credits a month of your CoinMarketCap plan.")
    ] = 15_000
    binance_calls_per_minute: Annotated[
        int | None,
        Field(ge=1, description="REST calls a minute; Binance allows a weight of 6,000, 4 a page."),
    ] = 1_200
    binance_calls_per_month: Annotated[
        int | None, Field(ge=1, description="REST calls a month; Binance names no limit.")
    ] = None

    upstream_only: Annotated[
        str, Field(description="host:port that alone may be asked; `up` sets it in a demo.")
    ] = ""

    connect_timeout_s: Annotated[float, Field(gt=0, description="To open a connection.")] = 5.0
    read_timeout_s: Annotated[float, Field(gt=0, description="Between two pieces of a body.")] = (
        15.0
    )
    total_timeout_s: Annotated[float, Field(gt=0, description="For a whole answer.")] = 30.0
    body_cap_bytes: Annotated[
        int, Field(ge=1_000, description="Largest body, also after decompression.")
    ] = 16_000_000
    repair_max_pages: Annotated[
        int, Field(ge=1, description="Most REST pages spent on one hole in a market's trades.")
    ] = 500

    @field_validator(
        "coingecko_calls_per_minute",
        "coingecko_calls_per_month",
        "coinmarketcap_calls_per_minute",
        "coinmarketcap_calls_per_month",
        "binance_calls_per_minute",
        "binance_calls_per_month",
        mode="before",
    )
    @classmethod
    def _empty_is_unlimited(cls, raw: object) -> object:
        return None if raw == "" else raw

    @field_validator("coingecko_api_key", "coinmarketcap_api_key", "markets_file", mode="before")
    @classmethod
    def _empty_is_none(cls, raw: object) -> object:
        return None if raw == "" else raw

    @field_validator("rss_feeds", mode="before")
    @classmethod
    def _feeds(cls, raw: str | tuple[str, ...]) -> tuple[str, ...]:
        listed = raw.split(",") if isinstance(raw, str) else raw
        feeds = tuple(part.strip() for part in listed if part.strip())
        wrong = [feed for feed in feeds if not FEED.fullmatch(feed)]
        if wrong:
            raise ValueError(
                f"{', '.join(wrong)}: write NAME=URL, the name in small letters, digits and _, the "
                "address with http:// or https:// and %2C for a comma"
            )
        for part in zip(*(feed.split("=", 1) for feed in feeds), strict=True):
            twice = {one for one in part if part.count(one) > 1}
            if twice:
                raise ValueError(f"{', '.join(sorted(twice))}: named twice")
        return feeds

    @field_validator("markets_file")
    @classmethod
    def _readable_markets(cls, path: Path | None) -> Path | None:
        try:
            read_markets(path)
        except Fatal as error:
            raise ValueError(str(error)) from error
        return path

    @field_validator("binance_symbols", mode="before")
    @classmethod
    def _known_markets(cls, raw: str | tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if raw in ((), ""):
            # A file that cannot be read is named already, by its own field.
            path = info.data.get("markets_file")
            return read_markets(path)["binance"] if "markets_file" in info.data else ()
        listed = raw.split(",") if isinstance(raw, str) else raw
        symbols = tuple(dict.fromkeys(part.strip().upper() for part in listed if part.strip()))
        if not symbols:
            raise ValueError("name at least one market, for example BTCUSDT,ETHUSDT")
        for symbol in symbols:
            try:
                market_of("binance", symbol)
            except Fatal as error:
                raise ValueError(str(error)) from error
        return symbols


def read_for(vendor: str) -> tuple[AgentSettings, str | None]:
    """Settings for one vendor's agents, and why they must stay off.

    Prints every wrong field. A wrong field of another vendor is that one's affair, and one of all
    agents (Kafka's address, timeouts) ends the process with 2.
    """
    try:
        return AgentSettings(), None
    except ValidationError as error:
        problems = error.errors()
    lines = {
        str(problem["loc"][0]) if problem["loc"] else "": problem["msg"] for problem in problems
    }
    named = [f"{(ENV_PREFIX + field).upper()}: {words}" for field, words in lines.items()]
    sys.stderr.write("\n".join([*named, "See .env.example.", ""]))
    vendors = {field: vendor_of(field) for field in lines}
    if None in vendors.values():
        raise SystemExit(2)
    defaults = {field: AgentSettings.model_fields[field].default for field in lines}
    own = [words for words, owner in zip(named, vendors.values(), strict=True) if owner == vendor]
    return AgentSettings(**defaults), "; ".join(own) or None


def vendor_of(field: str) -> str | None:
    """Whose setting a field is, None where it is everybody's."""
    if field == "markets_file":
        return "binance"
    return next((vendor for vendor in VENDORS if field.startswith(f"{vendor}_")), None)
