"""Bodies out of a recording take the place of the vendors' own routes; all else goes on.

Query parameters change nothing: a recorded body is what it is.
"""

from collections.abc import Mapping
from hashlib import blake2b

from aiohttp import web
from aiohttp.typedefs import Handler

from simulator.answers import SIMULATION, answer
from simulator.feeds import is_known
from simulator.http_faults import WHOLE_BODY

ROUTES: Mapping[str, str] = {
    "/api/v3/coins/markets": "coingecko/coins_markets",
    "/api/v3/global": "coingecko/global",
    "/v1/cryptocurrency/listings/latest": "coinmarketcap/listings_latest",
    "/fng": "alternative_me/fng",
}


def route_of(path: str) -> str | None:
    """The recording's route of a path."""
    path = path.rstrip("/")
    return path[1:] if path.startswith("/rss/") else ROUTES.get(path)


@web.middleware
async def recorded_bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The recorded body of a path, in a scenario that has bodies."""
    simulation = request.app[SIMULATION]
    route = route_of(request.path)
    if not simulation.scenario.has_bodies or route is None:
        return await handler(request)
    body = simulation.scenario.body(route, simulation.now_ms())
    if body is None:
        return answer({"error": f"this recording holds nothing in {route}/"}, status=404)
    is_feed = route.startswith("rss/")
    etag = f'"{blake2b(body, digest_size=8).hexdigest()}"'
    headers = {"ETag": etag}
    if is_feed and is_known(request, etag, None) and not request.get(WHOLE_BODY):
        return web.Response(status=304, headers=headers)
    kind = "application/rss+xml" if is_feed else "application/json"
    return web.Response(body=body, content_type=kind, headers=headers)
