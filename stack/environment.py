"""The environment of each process: where the parts are, and only the token it needs."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from market.settings import ENV_PREFIX
from stack.failure import Failure
from stack.home import Home, Scenario
from stack.processes.influxd import (
    FOR_EVER,
    SECONDS_RETENTION_S,
    SPEED_RETENTION_S,
    Buckets,
    InfluxAccess,
    read_access,
)
from stack.settings import HOST, ROOT, StackSettings

# The feeds that the simulator writes.
FEEDS = ("coindesk", "cointelegraph")
TOKENS = ("INFLUX_READ_TOKEN", "INFLUX_WRITE_TOKEN")


class Environment:
    """Environments of one run's processes, without the prefix until `_named` adds it."""

    def __init__(self, settings: StackSettings, scenario: Scenario | None) -> None:
        self._settings = settings
        self._scenario = scenario
        self._base = {
            "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "INFLUX_URL": settings.influx_address,
            "INFLUX_ORG": settings.influx_org,
            "INFLUX_BUCKET": settings.influx_bucket,
            "INFLUX_SPEED_BUCKET": settings.influx_speed_bucket,
            "INFLUX_SECONDS_BUCKET": settings.influx_seconds_bucket,
            "LOG_JSON": "true",
            "METRICS_PORT": "0",
        }

    def plain(self, home: Home) -> dict[str, str]:
        """For a process without access to the store."""
        clock = {} if self._scenario is None else {"CLOCK_FILE": str(home.clock_file)}
        without_tokens = {ENV_PREFIX + name: "" for name in TOKENS}
        return {
            **_from_dotenv(),
            **without_tokens,
            **_named({**self._base, **clock, "HOME": str(home.path)}),
        }

    def reader(self, home: Home, access: InfluxAccess) -> dict[str, str]:
        """For a process that reads the store."""
        return {**self.plain(home), **_named({"INFLUX_READ_TOKEN": access.read_token})}

    def writer(self, home: Home, access: InfluxAccess) -> dict[str, str]:
        """For a process that writes the store."""
        return {**self.plain(home), **_named({"INFLUX_WRITE_TOKEN": access.write_token})}

    def agent(self, home: Home) -> dict[str, str]:
        """For an agent: in a demo exactly the simulator is its upstream."""
        if self._scenario is None:
            return self.plain(home)
        simulator = f"{HOST}:{self._settings.simulator_port}"
        upstream = {
            "COINGECKO_URL": f"http://{simulator}/api/v3",
            "COINGECKO_API_KEY": "",
            "COINMARKETCAP_URL": f"http://{simulator}",
            "COINMARKETCAP_API_KEY": "simulated",
            "FEAR_GREED_URL": f"http://{simulator}",
            "RSS_FEEDS": ",".join(f"{feed}=http://{simulator}/rss/{feed}" for feed in FEEDS),
            "BINANCE_STREAM_URL": f"ws://{simulator}",
            "BINANCE_REST_URL": f"http://{simulator}",
            "UPSTREAM_ONLY": simulator,
        }
        if self._scenario.feeds:
            feeds = (f"{feed}=http://{simulator}/rss/{feed}" for feed in self._scenario.feeds)
            upstream["RSS_FEEDS"] = ",".join(feeds)
        if self._scenario.symbols:
            upstream["BINANCE_SYMBOLS"] = ",".join(self._scenario.symbols)
        if self._scenario.bars:
            upstream["BINANCE_SYMBOLS"] = ",".join(symbol for symbol, _ in self._scenario.bars)
        return {**self.plain(home), **_named(upstream)}

    def simulator(self, home: Home, scenario: Scenario) -> dict[str, str]:
        """For the simulator."""
        bars = os.pathsep.join(f"{symbol}={path}" for symbol, path in scenario.bars)
        return {
            **self.plain(home),
            **_named(
                {
                    "SIMULATOR_PORT": str(self._settings.simulator_port),
                    "SIMULATOR_SCENARIO": scenario.name,
                    "SIMULATOR_SEED": str(scenario.seed),
                    "SIMULATOR_FROM_MS": str(scenario.from_ms),
                    "SIMULATOR_SPEED": str(scenario.speed),
                    "SIMULATOR_BARS": bars,
                    "SIMULATOR_FOLDER": scenario.folder or "",
                }
            ),
        }

    def api(self, home: Home, access: InfluxAccess) -> dict[str, str]:
        """For the API."""
        own = {"API_HOST": HOST, "API_PORT": str(self._settings.api_port)}
        # Answers of 10,000 bars are built in worker threads; with an arena each, glibc kept 265 MB
        # after a dozen of them, with two 158 MB.
        memory = {"MALLOC_ARENA_MAX": "2"}
        return {**self.reader(home, access), **_named(own), **memory}

    def web(self, home: Home) -> dict[str, str]:
        """For the viewer's server."""
        return {
            **self.plain(home),
            "PORT": str(self._settings.web_port),
            "HOSTNAME": HOST,
            "NODE_ENV": "production",
            "NEXT_TELEMETRY_DISABLED": "1",
            ENV_PREFIX + "API_URL": self._settings.api_address,
        }


def buckets(settings: StackSettings, *, is_demo: bool) -> Buckets:
    """The buckets of a run; a demo's days are long past, so nothing of it expires."""
    return Buckets(
        org=settings.influx_org,
        main=settings.influx_bucket,
        speed=settings.influx_speed_bucket,
        seconds=settings.influx_seconds_bucket,
        speed_retention_s=FOR_EVER if is_demo else SPEED_RETENTION_S,
        seconds_retention_s=FOR_EVER if is_demo else SECONDS_RETENTION_S,
    )


def external_access(settings: StackSettings) -> InfluxAccess:
    """Access to an InfluxDB that somebody else runs. Raises Failure without its tokens."""
    if settings.influx_read_token is None or settings.influx_write_token is None:
        raise Failure(
            f"INFLUX_URL names {settings.influx_url}, but its tokens are missing.",
            fix="Set CRYPTOVIZ_INFLUX_READ_TOKEN and CRYPTOVIZ_INFLUX_WRITE_TOKEN in .env.",
        )
    return InfluxAccess(
        url=settings.influx_address,
        org=settings.influx_org,
        bucket=settings.influx_bucket,
        speed_bucket=settings.influx_speed_bucket,
        seconds_bucket=settings.influx_seconds_bucket,
        read_token=settings.influx_read_token.get_secret_value(),
        write_token=settings.influx_write_token.get_secret_value(),
    )


def held_access(settings: StackSettings, home: Home, *, is_demo: bool) -> InfluxAccess:
    """Access to the store of a home that was started before."""
    if settings.influx_url:
        return external_access(settings)
    held = buckets(settings, is_demo=is_demo)
    try:
        return read_access(home.tokens_file, url=settings.influx_address, buckets=held)
    except FileNotFoundError:
        raise Failure(
            "InfluxDB of this home is not set up yet.",
            fix="Wait until `up` names the viewer's address, then run the same command again.",
        ) from None


def _named(settings: Mapping[str, str]) -> dict[str, str]:
    return {ENV_PREFIX + name: setting for name, setting in settings.items()}


def _from_dotenv(path: Path = ROOT / ".env") -> dict[str, str]:
    """What .env holds and the environment does not."""
    held = dotenv_values(path)
    return {k: v for k, v in held.items() if v is not None and k not in os.environ}
