"""The control endpoints: faults on demand, their log, and what the simulator says it published.

- `GET /control/faults`: kinds and running faults. `POST` a JSON object `{"kind": ...}` (see
  `simulator.faults.FaultRequest`) starts one, `DELETE ?id=` stops one or all.
- `GET /control/log?after=NUMBER`: what the faults did, oldest first.
- `GET /control/published?kind=trades|prices|global|articles|fear_greed&from_ms&to_ms`: identities.
  Trades by `symbol` (all unless given) as ranges `[symbol, from_id, to_id]` of all that upstream
  has in that time; other kinds as `keys` of all that reached a client in whole answers.
- `GET /control/planted?from_ms&to_ms`: the truth about anomalies that have begun by now, see
  `simulator.planted`; empty where the scenario has none.

The port is on loopback; a web page cannot POST here, because it must be JSON.
"""

from dataclasses import asdict

import orjson
from aiohttp import web
from pydantic import ValidationError

from simulator.answers import SIMULATION, answer
from simulator.faults import FAULTS, FaultRequest, WrongFault
from simulator.http_faults import FAULT_BOARD
from simulator.published import IDENTITIES
from simulator.scenario import DAY_MS
from simulator.simulation import Simulation

LATEST_MS = 2**62
# A day's truth takes a tenth of a second, in which nobody is served.
LONGEST_PLANTED_MS = 2 * DAY_MS


def refusal(message: str) -> web.Response:
    """What is wrong with a request."""
    return answer({"error": message}, status=400)


async def list_faults(request: web.Request) -> web.Response:
    """The table, and what runs."""
    kinds = [
        {
            "name": kind.name,
            "reach": kind.reach,
            "summary": kind.summary,
            "options": kind.options,
            "vendors": kind.vendors if kind.reach == "http" else (),
        }
        for kind in FAULTS
    ]
    running = [fault.told() for fault in request.app[FAULT_BOARD].running()]
    return answer({"kinds": kinds, "active": running})


async def start_fault(request: web.Request) -> web.Response:
    """Begin one."""
    if request.content_type != "application/json":
        return refusal("send application/json")
    try:
        asked = FaultRequest.model_validate(orjson.loads(await request.read()))
        fault = request.app[FAULT_BOARD].start(asked)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        return refusal("; ".join(problems))
    except (WrongFault, orjson.JSONDecodeError) as error:
        return refusal(str(error))
    return answer(fault.told(), status=201)


async def stop_faults(request: web.Request) -> web.Response:
    """End one, or all."""
    number = request.query.get("id")
    if number is not None and not number.isdecimal():
        return refusal("id is a number")
    stopped = request.app[FAULT_BOARD].stop(None if number is None else int(number))
    return answer({"stopped": [fault.told() for fault in stopped]})


async def fault_log(request: web.Request) -> web.Response:
    """What the faults did."""
    after = request.query.get("after", "0")
    if not after.isdecimal():
        return refusal("after is a number")
    entries, dropped = request.app[FAULT_BOARD].log_after(int(after))
    return answer({"entries": entries, "dropped": dropped})


async def published(request: web.Request) -> web.Response:
    """Identities of what was published."""
    simulation, query = request.app[SIMULATION], request.query
    kind = query.get("kind", "")
    if kind not in IDENTITIES:
        return refusal(f"kind is one of {', '.join(IDENTITIES)}")
    try:
        from_ms, to_ms = int(query.get("from_ms", "0")), int(query.get("to_ms", LATEST_MS))
    except ValueError:
        return refusal("from_ms and to_ms are milliseconds")
    body: dict[str, object] = {"kind": kind, "identity": IDENTITIES[kind]}
    if kind != "trades":
        return answer({**body, "keys": simulation.published.keys(kind, from_ms, to_ms)})
    symbols = [query["symbol"]] if "symbol" in query else list(simulation.scenario.instruments)
    if any(symbol not in simulation.scenario.instruments for symbol in symbols):
        return refusal("symbol is none of this scenario")
    board = request.app[FAULT_BOARD]
    ranges = [
        [symbol, first, last]
        for symbol in symbols
        for first, last in trade_ranges(simulation, symbol, from_ms, to_ms, board.withheld(symbol))
    ]
    return answer({**body, "source": "binance", "ranges": ranges})


async def planted(request: web.Request) -> web.Response:
    """The truth about anomalies."""
    simulation, query = request.app[SIMULATION], request.query
    start_ms, now_ms = simulation.scenario.start_ms, simulation.now_ms()
    try:
        from_ms, to_ms = int(query.get("from_ms", start_ms)), int(query.get("to_ms", now_ms + 1))
    except ValueError:
        return refusal("from_ms and to_ms are milliseconds")
    from_ms, to_ms = max(from_ms, start_ms), min(to_ms, now_ms + 1)
    if to_ms - from_ms > LONGEST_PLANTED_MS:
        return refusal(f"at most {LONGEST_PLANTED_MS} milliseconds at once")
    found = simulation.scenario.planted(from_ms, to_ms) if from_ms < to_ms else ()
    return answer({"planted": [asdict(one) for one in found]})


def trade_ranges(
    simulation: Simulation, symbol: str, from_ms: int, to_ms: int, withheld: set[int]
) -> list[tuple[int, int]]:
    """Ids of a market's trades in [from, to] up to now as ranges, both ends inclusive."""
    ranges = simulation.scenario.id_ranges(symbol, from_ms, min(to_ms, simulation.now_ms()))
    for missing in sorted(withheld):
        ranges = [
            part
            for first, last in ranges
            for part in (
                [(first, missing - 1), (missing + 1, last)]
                if first <= missing <= last
                else [(first, last)]
            )
            if part[0] <= part[1]
        ]
    return ranges


ROUTES = (
    web.get("/control/faults", list_faults),
    web.post("/control/faults", start_fault),
    web.delete("/control/faults", stop_faults),
    web.get("/control/log", fault_log),
    web.get("/control/published", published),
    web.get("/control/planted", planted),
)
