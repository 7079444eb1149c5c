"""A folder of recorded bodies and frames, played; with the shared recordings where they are."""

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from market.recordings import observed_at_ms, survey
from simulator.scenario import WrongScenario
from simulator.scenarios.offer import ScenarioRequest
from simulator.scenarios.recording import RecordingScenario, open_recording
from tests.simulator.builders import Hands, simulation
from tests.simulator.conftest import Running, Serve

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
FIRST_MS = 1_633_998_511_000
NAMES = "btcusdt@aggTrade/btcusdt@bookTicker"


def frame(after_ms: int, trade_id: int, *, symbol: str = "BTCUSDT", enveloped: bool = True) -> str:
    at_ms = FIRST_MS + after_ms
    trade = {
        "e": "aggTrade", "E": at_ms, "s": symbol, "a": trade_id, "p": f"{100 + trade_id}.5",
        "q": "0.25", "f": trade_id * 2, "l": trade_id * 2 + 1, "T": at_ms, "m": False, "M": True,
    }  # fmt: skip
    told: Any = {"stream": f"{symbol.lower()}@aggTrade", "data": trade} if enveloped else trade
    return f"{(at_ms + 10) / 1000}: {json.dumps(told)}\n"


def a_folder(root: Path) -> Path:
    (root / "frames").mkdir(parents=True)
    lines = [
        "wss://stream.example/stream <-> 1633998511.1\n",
        frame(0, 1),
        frame(500, 2, enveloped=False),
        f'{(FIRST_MS + 800) / 1000}: {{"stream":"btcusdt@bookTicker","data":{{"u":9}}}}\n',
        frame(70_000, 5),
        "1633998512.1: not json\n",
    ]
    with gzip.open(root / "frames" / "one.gz", "wt") as packed:
        packed.writelines(lines)
    (root / "frames" / "two.txt").write_text(frame(300, 7, symbol="NOPEUSDT"))
    for name, body in (("20211012T0029", "[1]"), ("20211012T003000", "[2]")):
        path = root / "coingecko" / "coins_markets" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)
    feed = root / "rss" / "somewhere" / "feed.xml"
    feed.parent.mkdir(parents=True)
    feed.write_text("<rss version='2.0'><channel/></rss>")
    return root


def a_recording(folder: Path) -> RecordingScenario:
    return open_recording(ScenarioRequest(folder=folder))


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("1633998511000.json", FIRST_MS),
        ("body-1633998511.json.gz", FIRST_MS),
        ("coindesk_20230313_raw.xml", 1_678_665_600_000),
        ("20230313T1039.json", 1_678_703_940_000),
        ("20230313T103940Z.json", 1_678_703_980_000),
        ("feed-20239999.xml", None),
        ("feed.xml", None),
    ],
)
def test_the_moment_of_a_body_stands_in_its_name(name: str, moment: int | None) -> None:
    assert observed_at_ms(name) == moment


def test_a_survey_names_the_start_the_symbols_and_the_feeds(tmp_path: Path) -> None:
    found = survey(a_folder(tmp_path))
    assert found.first_ms == FIRST_MS + 10
    assert found.symbols == ("BTCUSDT", "NOPEUSDT")
    assert found.feeds == ("somewhere",)


def test_the_newest_body_up_to_now_answers_and_before_the_first_the_first(tmp_path: Path) -> None:
    scenario, minute = a_recording(a_folder(tmp_path)), 1_633_998_540_000
    told = [scenario.body("coingecko/coins_markets", minute + ms) for ms in (-90_000, 0, 60_000)]
    assert told == [b"[1]", b"[1]", b"[2]"]
    assert scenario.body("coingecko/global", minute) is None


def test_trades_of_rest_and_of_the_truth_are_those_of_the_frames(tmp_path: Path) -> None:
    scenario = a_recording(a_folder(tmp_path))
    end_ms = FIRST_MS + 100_000
    assert [t.trade_id for t in scenario.trades("BTCUSDT", 0, end_ms)] == [1, 2, 5]
    assert [t.trade_id for t in scenario.trades_from_id("BTCUSDT", 3, 10, end_ms)] == [5]
    assert scenario.trades_from_id("BTCUSDT", 6, 10, end_ms) == []
    assert scenario.id_ranges("BTCUSDT", 0, end_ms) == [(1, 2), (5, 5)]
    candles = scenario.klines("BTCUSDT", 60_000, 0, 10, end_ms)
    assert [(c.open, c.close, c.volume, c.trades) for c in candles] == [
        ("101.5", "102.5", "0.50", 4),
        ("105.5", "105.5", "0.25", 2),
    ]


def test_an_empty_folder_is_refused_with_the_format(tmp_path: Path) -> None:
    with pytest.raises(WrongScenario, match="neither a frame"):
        a_recording(tmp_path)
    with pytest.raises(WrongScenario, match="no folder"):
        a_recording(tmp_path / "absent")


def test_a_start_after_the_last_frame_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongScenario, match="after the last frame"):
        open_recording(ScenarioRequest(folder=a_folder(tmp_path), start_ms=FIRST_MS + 10**7))


async def received(running: Running, hands: Hands, names: str) -> list[Any]:
    frames = []
    async with connect(running.stream(names), max_queue=None, ping_interval=None) as socket:
        await socket.ping()
        for _ in range(60):
            hands.seconds += 2
            await asyncio.sleep(0.005)
        while True:
            try:
                frames.append(json.loads(await asyncio.wait_for(socket.recv(), 0.4)))
            except TimeoutError:
                return frames


@pytest.mark.integration
async def test_frames_go_out_in_order_and_bodies_over_http(serve: Serve, tmp_path: Path) -> None:
    hands = Hands()
    running = await serve(simulation(a_recording(a_folder(tmp_path)), tmp_path, hands=hands))
    frames = await received(running, hands, NAMES)
    assert [one["data"].get("a") for one in frames] == [1, 2, None, 5]
    assert [one["stream"] for one in frames[:2]] == ["btcusdt@aggTrade"] * 2
    assert (await running.http.get("/api/v3/coins/markets?vs_currency=usd")).json() == [2]
    feed = await running.http.get("/rss/somewhere")
    assert feed.headers["content-type"].startswith("application/rss+xml")
    held = {"If-None-Match": feed.headers["etag"]}
    assert (await running.http.get("/rss/somewhere", headers=held)).status_code == 304
    absent = await running.http.get("/fng/?limit=1")
    assert absent.status_code == 404
    assert "alternative_me/fng" in absent.json()["error"]


@pytest.mark.integration
async def test_bodies_alone_let_time_pass_at_once(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "bodies" / "alternative_me" / "fng" / "20240501.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    scenario = a_recording(tmp_path / "bodies")
    running = await serve(simulation(scenario, tmp_path, hands=Hands()))
    assert running.simulation.clock.is_running


@pytest.mark.integration
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared recordings are not on this computer")
async def test_the_shared_recordings_are_played_whole(serve: Serve, tmp_path: Path) -> None:
    links = {
        "frames/one.gz": "ws_captures/BINANCE.ws.1.0.gz",
        "frames/two.gz": "ws_captures/BINANCE_US.ws.1.0.gz",
        "coingecko/coins_markets/20210624.json": "api/coingecko_markets_top100_20210624.json",
        "coingecko/global/20210624.json": "api/coingecko_official_examples/global.json",
        "rss/coindesk/coindesk_20230313_raw.xml": "rss/coindesk_20230313_raw.xml",
        "rss/cointelegraph/20260930.xml": "rss/transcribed/cointelegraph_20260930_first4.xml",
    }
    folder = tmp_path / "recording"
    for link, target in links.items():
        (folder / link).parent.mkdir(parents=True, exist_ok=True)
        (folder / link).symlink_to(SHARED / target)
    scenario, hands = a_recording(folder), Hands()
    running = await serve(simulation(scenario, tmp_path, hands=hands))
    names = "/".join(f"{symbol.lower()}@aggTrade" for symbol in scenario.instruments)
    frames = await received(running, hands, names)
    told = {(one["data"]["s"], one["data"]["a"]) for one in frames}
    ranges = (await running.http.get("/control/published?kind=trades")).json()["ranges"]
    assert told == {(s, i) for s, first, last in ranges for i in range(first, last + 1)}
    assert len(told) > 10
    assert len((await running.http.get("/api/v3/coins/markets?vs_currency=usd")).json()) == 100
    for name, target in links.items():
        if name.startswith("rss"):
            body = (await running.http.get("/" + name.rpartition("/")[0])).content
            assert body == (SHARED / target).read_bytes()
