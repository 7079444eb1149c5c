"""The application: the vendors' endpoints on one loopback port, and the clock's upkeep.

Another vendor is one module with `ROUTES` here. The outermost middleware is `http_faults`: what
an answer may suffer on demand.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import structlog
from aiohttp import WSCloseCode, web
from aiohttp.typedefs import Handler

from simulator import (
    binance_rest,
    binance_stream,
    coingecko,
    coinmarketcap,
    control,
    fear_greed,
    feeds,
)
from simulator.answers import SIMULATION, answer
from simulator.binance_stream import SOCKETS, STREAM_TIMES, Sockets, StreamTimes
from simulator.fault_board import FaultBoard
from simulator.http_faults import FAULT_BOARD, http_faults
from simulator.recorded_bodies import recorded_bodies
from simulator.simulation import Simulation

ROUTES = (
    coingecko.ROUTES,
    coinmarketcap.ROUTES,
    binance_rest.ROUTES,
    binance_stream.ROUTES,
    fear_greed.ROUTES,
    feeds.ROUTES,
    control.ROUTES,
)
# Readers of clock.json hold it for dead after 5 s.
RENEW_S = 1.0
HOST = "127.0.0.1"

log = structlog.get_logger()


@web.middleware
async def vendor_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors in each vendor's own shape."""
    try:
        return await handler(request)
    except binance_rest.BinanceError as error:
        return answer({"code": error.code, "msg": error.message}, status=error.status)
    except coingecko.CoinGeckoError as error:
        return answer({"error": str(error)}, status=error.status)
    except coinmarketcap.CoinMarketCapError as error:
        return coinmarketcap.error_answer(error, request.app[SIMULATION].now_ms())


async def keep_clock(simulation: Simulation) -> None:
    """Renew the anchor each second; say once when the scenario's trades have ended."""
    end_ms = simulation.scenario.end_ms
    is_over = False
    while True:
        await asyncio.sleep(RENEW_S)
        simulation.clock.renew()
        if end_ms is not None and simulation.now_ms() > end_ms and not is_over:
            is_over = True
            log.info("scenario_over", end_ms=end_ms, streams="open and silent from here")


async def _clock_upkeep(app: web.Application) -> AsyncIterator[None]:
    if not app[SIMULATION].stream_names:
        app[SIMULATION].clock.run()  # no subscriber could start it
    upkeep = asyncio.create_task(keep_clock(app[SIMULATION]))
    yield
    upkeep.cancel()
    with suppress(asyncio.CancelledError):
        await upkeep
    app[SIMULATION].clock.stop()


async def _close_sockets(app: web.Application) -> None:
    app[SIMULATION].clock.stop()
    sockets = app[SOCKETS]
    closing = (
        socket.close(code=WSCloseCode.GOING_AWAY, message=b"server shutdown")
        for socket in tuple(sockets)
    )
    await asyncio.gather(*closing)


def create_app(simulation: Simulation, *, times: StreamTimes | None = None) -> web.Application:
    """The simulator's application; `times` shortens the stream's real-time rules in tests."""
    app = web.Application(middlewares=[http_faults, recorded_bodies, vendor_errors])
    app[SIMULATION] = simulation
    app[STREAM_TIMES] = times or StreamTimes()
    app[SOCKETS] = Sockets()
    app[FAULT_BOARD] = FaultBoard(simulation.now_ms)
    for routes in ROUTES:
        app.add_routes(routes)
    app.cleanup_ctx.append(_clock_upkeep)
    app.on_shutdown.append(_close_sockets)
    return app


async def serve(app: web.Application, port: int, stop: asyncio.Event) -> None:
    """Serve on loopback until `stop` is set; then time stands still and connections close."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        log.info("listening", address=f"http://{HOST}:{port}")
        await stop.wait()
    finally:
        await runner.cleanup()
