"""Settings of the API process."""

from typing import Annotated

from pydantic import Field

from market.settings import InfluxReadSettings


class ApiSettings(InfluxReadSettings):
    """Address, limits and waiting times. Ranges are capped so that one request stays cheap."""

    api_host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    api_port: Annotated[int, Field(ge=1, le=65535, description="Port to listen on.")] = 8000
    api_cors_origins: Annotated[
        tuple[str, ...],
        Field(description="JSON list of origins whose pages may call this API; none by default."),
    ] = ()
    api_max_bars: Annotated[int, Field(ge=1, description="Most bars or points in an answer.")] = (
        10_000
    )
    api_latest_max_age_s: Annotated[
        float, Field(gt=0, le=1, description="Real seconds for which the latest state is reused.")
    ] = 0.5
    influx_timeout_s: Annotated[
        float, Field(gt=0, description="Real seconds after which a query is given up.")
    ] = 10.0
