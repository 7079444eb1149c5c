"""A real simulator server on a free loopback port, whose scenario time a test moves by hand."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest
from aiohttp import web

from simulator.binance_stream import StreamTimes
from simulator.server import HOST, create_app
from simulator.simulation import Simulation


@dataclass(frozen=True)
class Running:
    """A served simulation."""

    simulation: Simulation
    port: int
    http: httpx.AsyncClient

    def stream(self, *names: str) -> str:
        """Address of a combined stream."""
        return f"ws://{HOST}:{self.port}/stream?streams={'/'.join(names)}"


Serve = Callable[..., Awaitable[Running]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def start(simulation: Simulation, times: StreamTimes | None = None) -> Running:
            runner = web.AppRunner(create_app(simulation, times=times), shutdown_timeout=0.5)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, HOST, 0).start()
            port = runner.addresses[0][1]
            client = httpx.AsyncClient(base_url=f"http://{HOST}:{port}", trust_env=False)
            return Running(simulation, port, await stack.enter_async_context(client))

        yield start
