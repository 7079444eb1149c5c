"""What `status` shows of the platform's pulse."""

from typing import Any

import httpx
import pytest

from stack import pulse
from stack.console import console
from stack.pulse import Pulse, read_pulse, say_pulse

JOB = {
    "job": "candles",
    "state": "running",
    "records_per_s": 1_999.5,
    "lag_records": 12,
    "batch_p50_ms": 310.0,
    "batch_p95_ms": 480.0,
    "watermark_delay_s": 31.2,
    "restarts": 0,
    "age_s": 4.0,
}
STAGE = {"stage": "whole", "p50_ms": 700.0, "p95_ms": 900.0, "p99_ms": 990.0, "n": 60, "age_s": 1.0}
LETTERS = {"topic": "crypto-trades", "reason": "truncated", "letters_1h": 3}
SOURCE = {
    "source": "rss",
    "state": "degraded",
    "is_heard": True,
    "reason": "no route",
    "accepted": 5,
    "rejected": None,
    "age_s": 3.0,
}
WORST = {"source": "binance", "symbol": "BTCUSDT", "coin_id": "bitcoin", "score": 41.0}


def shown(found: Pulse) -> str:
    with console.capture() as captured:
        say_pulse(found)
    return " ".join(captured.get().split())


def test_jobs_latency_sources_quality_gaps_and_dead_letters_are_shown():
    text = shown(
        Pulse(
            pipeline={"jobs": [JOB], "latency": [STAGE], "dead_letters": [LETTERS]},
            sources=[SOURCE, SOURCE | {"source": "coingecko", "is_heard": False}],
            quality=[WORST | {"reason": "it stands still"}],
            open_gaps=[{"missing_trades": 1_200}],
        )
    )
    for words in (
        "candles running 1,999.5 12 310 480 31.2 0 4",
        "whole 700 900 990 60",
        "3 truncated in crypto-trades",
        "rss degraded no route 5 - 3",
        "coingecko not heard",
        "binance BTCUSDT 41 it stands still",
        "Open gaps: 1, 1,200 trades.",
    ):
        assert words in text


def test_what_is_not_told_is_not_shown():
    assert shown(Pulse(pipeline=None, sources=None, quality=None, open_gaps=None)) == ""
    nothing: dict[str, Any] = {"jobs": [], "latency": [], "dead_letters": []}
    told = shown(Pulse(pipeline=nothing, sources=[], quality=[], open_gaps=[]))
    assert told == "No job has told of itself within an hour. Open gaps: 0."


def test_an_answer_that_is_none_leaves_the_others(monkeypatch: pytest.MonkeyPatch):
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/sources":
            return httpx.Response(200, json={"data": [SOURCE]})
        return httpx.Response(503, json={"title": "down"})

    transport = httpx.MockTransport(answer)
    monkeypatch.setattr(
        pulse.httpx, "Client", lambda **_: client(transport=transport, base_url="http://api.test")
    )
    assert read_pulse("http://api.test") == Pulse(None, [SOURCE], None, None)


client = httpx.Client
