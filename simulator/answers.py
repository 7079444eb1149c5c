"""JSON answers, and the key under which the application keeps its simulation."""

from collections.abc import Sequence

import orjson
from aiohttp import web

from simulator.published import TOLD, Told
from simulator.simulation import Simulation

SIMULATION: web.AppKey[Simulation] = web.AppKey("simulation", Simulation)


def answer(body: object, *, status: int = 200, told: Sequence[Told] = ()) -> web.Response:
    """A JSON answer as the vendors send it: compact UTF-8. `told` names the records in it."""
    response = web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", charset="utf-8"
    )
    if told:
        response[TOLD] = told
    return response
