"""Settings of the agents: addresses, keys and limits, read once in `agents.__main__`."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from market.coins import default_symbols, market_of
from market.errors import Fatal
from market.settings import PlatformSettings


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
    binance_stream_url: Annotated[
        str, Field(pattern=r"^wss?://[^/\s]+", description="Binance's WebSocket address.")
    ] = "wss://data-stream.binance.vision"
    binance_rest_url: Annotated[
        str, Field(pattern=r"^https?://[^/\s]+", description="Binance's REST address.")
    ] = "https://data-api.binance.vision"
    binance_symbols: Annotated[
        tuple[str, ...], NoDecode, Field(description="Markets to follow, comma-separated.")
    ] = default_symbols("binance")
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

    @field_validator("coingecko_api_key", mode="before")
    @classmethod
    def _empty_is_none(cls, raw: object) -> object:
        return None if raw == "" else raw

    @field_validator("binance_symbols", mode="before")
    @classmethod
    def _known_markets(cls, raw: str | tuple[str, ...]) -> tuple[str, ...]:
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
