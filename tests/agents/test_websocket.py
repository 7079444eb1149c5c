import pytest

from agents.__main__ import barred
from agents.addresses import Gate
from agents.sources.binance_trades import BinanceTrades
from agents.sources.rss import Rss
from agents.websocket import open_websocket
from market.errors import Fatal, Retryable
from tests.agents.fakes import settings

ONLY = "127.0.0.1:9"
NOBODY = "ws://127.0.0.1:9/stream"


async def test_in_a_demo_no_other_host_gets_a_connection():
    with pytest.raises(Fatal, match=r"data-stream\.binance\.vision:443 is not 127\.0\.0\.1:9"):
        async with open_websocket("wss://data-stream.binance.vision/stream", gate=Gate(ONLY)):
            pass


@pytest.mark.integration
@pytest.mark.parametrize("gate", [Gate(), Gate(ONLY)])
async def test_a_host_that_may_be_asked_and_is_not_there_is_retryable(gate: Gate):
    with pytest.raises(Retryable, match=r"127\.0\.0\.1:9"):
        async with open_websocket(NOBODY, gate=gate):
            pass


def test_an_agent_whose_stream_may_not_be_asked_in_a_demo_is_off_and_names_the_setting():
    reason = barred(BinanceTrades(settings(upstream_only=ONLY))) or ""
    assert reason.startswith("CRYPTOVIZ_BINANCE_STREAM_URL: ")
    assert "127.0.0.1:9" in reason
    assert barred(BinanceTrades(settings(upstream_only=ONLY, binance_stream_url=NOBODY))) is None
    assert barred(BinanceTrades(settings())) is None


def test_a_source_without_a_stream_is_judged_at_each_request():
    assert barred(Rss(settings(upstream_only=ONLY))) is None
