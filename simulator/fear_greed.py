"""alternative.me's `/fng/`: one value a day, all numbers as strings.

The value of a day is there from 00:00 UTC on and is made of the days before it.
"""

from aiohttp import web

from simulator.answers import SIMULATION, answer
from simulator.published import Told
from simulator.scenario import DAY_MS, Mood

SOURCE = "alternative_me"
# Highest index of each word, as the values since 2018 have it.
WORDS = ((25, "Extreme Fear"), (46, "Fear"), (54, "Neutral"), (75, "Greed"), (100, "Extreme Greed"))


def word_of(index: int) -> str:
    """The source's word for an index."""
    return next(word for highest, word in WORDS if index <= highest)


def row_of(mood: Mood) -> dict[str, str]:
    """A day as the answer has it."""
    return {
        "value": str(mood.index),
        "value_classification": word_of(mood.index),
        "timestamp": str(mood.day_ms // 1000),
    }


async def fng(request: web.Request) -> web.Response:
    """`GET /fng/?limit=N`: the newest N days, all with 0, one without a limit."""
    simulation = request.app[SIMULATION]
    text = request.query.get("limit", "1")
    limit = int(text) if text.isdecimal() and len(text) < 10 else 1
    now_ms = simulation.now_ms()
    moods = simulation.scenario.moods(now_ms, limit or None)
    rows = [row_of(mood) for mood in moods]
    if rows:
        rows[0]["time_until_update"] = str((DAY_MS - now_ms % DAY_MS) // 1000)
    return answer(
        {"name": "Fear and Greed Index", "data": rows, "metadata": {"error": None}},
        told=[Told("fear_greed", SOURCE, mood.day_ms) for mood in moods],
    )


ROUTES = (web.get("/fng/", fng), web.get("/fng", fng))
