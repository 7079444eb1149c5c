"""JSON answers, and the key under which the application keeps its simulation."""

import orjson
from aiohttp import web

from simulator.simulation import Simulation

SIMULATION: web.AppKey[Simulation] = web.AppKey("simulation", Simulation)


def answer(body: object, *, status: int = 200) -> web.Response:
    """A JSON answer as both vendors send it: compact UTF-8."""
    return web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", charset="utf-8"
    )
