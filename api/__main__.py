"""`python -m api` serves; `python -m api openapi` writes the committed OpenAPI document."""

import signal
import sys
from types import FrameType

import structlog
import uvicorn
from pydantic import SecretStr

from api.app import create_app
from api.openapi import PATH, rendered
from api.settings import ApiSettings
from market import log
from market.settings import read_settings


def serve() -> None:
    """Serve until SIGTERM."""
    settings = read_settings(ApiSettings)
    log.configure(process="api", as_json=settings.log_json)
    # uvicorn drains its connections first and then raises the signal again for these handlers.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _leave)
    structlog.get_logger().info("api_starting", host=settings.api_host, port=settings.api_port)
    uvicorn.run(
        create_app(settings),
        host=settings.api_host,
        port=settings.api_port,
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """A stop that was asked for is no failure."""
    raise SystemExit(0)


def write_openapi() -> None:
    """Write `api/openapi.json`; it depends on no setting."""
    app = create_app(ApiSettings(influx_read_token=SecretStr("none")))
    PATH.write_text(rendered(app), "utf-8")


def main(arguments: list[str]) -> None:
    """Dispatch."""
    match arguments:
        case []:
            serve()
        case ["openapi"]:
            write_openapi()
        case _:
            sys.stderr.write("usage: python -m api [openapi]\n")
            raise SystemExit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
