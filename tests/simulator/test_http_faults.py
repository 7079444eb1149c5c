"""Every HTTP fault over a real client on loopback."""

import asyncio
import gzip
import json
import resource
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.faults import FAULTS
from simulator.http_faults import ANSWERS
from tests.simulator.builders import Hands, market_scenario, simulation
from tests.simulator.conftest import Running, Serve

pytestmark = pytest.mark.integration
COINS = "/api/v3/coins/markets?vs_currency=usd"
CMC = "/v1/cryptocurrency/listings/latest"
KEY = {"X-CMC_PRO_API_KEY": "simulated"}
MEGABYTE = 1_000_000


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def running(serve: Serve, tmp_path: Path, hands: Hands) -> Running:
    return await serve(simulation(market_scenario(), tmp_path, hands=hands))


async def begin(running: Running, kind: str, **options: object) -> dict[str, Any]:
    answer = await running.http.post("/control/faults", json={"kind": kind, **options})
    assert answer.status_code == 201, answer.text
    started: dict[str, Any] = answer.json()
    return started


async def events(running: Running) -> list[tuple[str, str]]:
    entries = (await running.http.get("/control/log")).json()["entries"]
    return [(entry["kind"], entry["event"]) for entry in entries]


def test_every_http_fault_of_the_table_has_an_answer() -> None:
    assert {kind.name for kind in FAULTS if kind.reach == "http"} == set(ANSWERS)


@pytest.mark.parametrize(
    ("kind", "options", "status"),
    [
        ("status_429", {}, 429),
        ("status_418", {"retry_after_s": 120}, 418),
        ("status_451", {}, 451),
        ("status_5xx", {"status": 502}, 502),
        ("html_200", {}, 200),
    ],
)
@pytest.mark.parametrize("path", [COINS, CMC, "/api/v3/time", "/fng/", "/rss/coindesk"])
async def test_a_status_comes_once_and_then_the_true_answer(
    running: Running, kind: str, options: dict[str, object], status: int, path: str
) -> None:
    await begin(running, kind, **options)
    faulty = await running.http.get(path, headers=KEY)
    assert faulty.status_code == status
    assert (kind == "html_200") == faulty.text.startswith("<!DOCTYPE html>") or path[:4] == "/rss"
    assert (await running.http.get(path, headers=KEY)).status_code == 200
    assert await events(running) == [(kind, "started"), (kind, "applied"), (kind, "over")]


async def test_retry_after_is_told_only_where_asked_for(running: Running) -> None:
    await begin(running, "status_429", route="coingecko", retry_after_s=7)
    assert (await running.http.get(COINS)).headers["retry-after"] == "7"
    await begin(running, "status_429", route="coingecko")
    assert "retry-after" not in (await running.http.get(COINS)).headers


@pytest.mark.parametrize(
    ("shape", "status", "body"),
    [
        (1, 500, {"error": "Internal Server Error"}),
        (2, 429, {"status": {"error_code": 429, "error_message": "You've exceeded the Rate "
                                                            "Limit."}}),
        (4, 400, {"error_code": 10010, "status": {"error_message": "If you are using Pro API key, "
                                                  "please change your root URL."}}),
    ],
)  # fmt: skip
async def test_coingeckos_shapes(
    running: Running, shape: int, status: int, body: dict[str, object]
) -> None:
    await begin(running, "vendor_error", route="coingecko", shape=shape)
    answer = await running.http.get(COINS)
    assert (answer.status_code, answer.json()) == (status, body)


async def test_coingeckos_third_shape_wraps_the_status_in_the_error(running: Running) -> None:
    await begin(running, "vendor_error", route="coingecko", shape=3)
    answer = await running.http.get(COINS)
    assert answer.status_code == 401
    assert answer.json()["error"]["status"]["error_code"] == 10012


@pytest.mark.parametrize(
    ("code", "status"), [(1001, 401), (1006, 403), (1008, 429), (1010, 429), (1011, 429)]
)
async def test_coinmarketcaps_codes_stand_in_status(
    running: Running, code: int, status: int
) -> None:
    await begin(running, "vendor_error", route="coinmarketcap", code=code)
    answer = await running.http.get(CMC, headers=KEY)
    assert (answer.status_code, answer.json()["status"]["error_code"]) == (status, code)


async def test_a_vendors_error_may_come_with_200(running: Running) -> None:
    await begin(running, "vendor_error", route="coinmarketcap", code=1008, status=200)
    assert (await running.http.get(CMC, headers=KEY)).status_code == 200


async def test_binances_error_is_code_and_msg(running: Running) -> None:
    await begin(running, "vendor_error", route="binance", code=-1121)
    answer = await running.http.get("/api/v3/aggTrades?symbol=BTCUSDT")
    assert (answer.status_code, answer.json()) == (400, {"code": -1121, "msg": "Invalid symbol."})


@pytest.mark.parametrize("path", [COINS, "/fng/"])
async def test_a_truncated_body_is_the_beginning_of_the_true_one(
    running: Running, path: str
) -> None:
    true = (await running.http.get(path)).content
    await begin(running, "truncated_json")
    cut = (await running.http.get(path)).content
    assert true.startswith(cut)
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut)


async def test_a_truncated_body_may_end_with_a_reset(running: Running) -> None:
    await begin(running, "truncated_json", cut=True)
    with pytest.raises(httpx.TransportError):
        await running.http.get(COINS)


async def test_wrong_json_is_json_of_another_form(running: Running) -> None:
    for seed in range(6):
        await begin(running, "wrong_json", seed=seed, route="fear_greed")
        body = (await running.http.get("/fng/")).json()
        assert not (isinstance(body, dict) and isinstance(body.get("data"), list))


async def test_a_slow_body_is_whole_in_the_end(running: Running) -> None:
    true = (await running.http.get("/fng/")).content
    await begin(running, "slow_body", bytes_per_s=len(true) / 0.4)
    began = asyncio.get_running_loop().time()
    assert (await running.http.get("/fng/")).content == true
    assert asyncio.get_running_loop().time() - began > 0.3


async def test_a_client_with_a_timeout_gives_a_slow_body_up(running: Running) -> None:
    await begin(running, "slow_body", bytes_per_s=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await running.http.get(COINS)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


@pytest.mark.parametrize("declared", [True, False])
async def test_a_gigabyte_takes_no_memory(running: Running, declared: bool) -> None:
    await begin(running, "huge_body", declared=declared, size_bytes=300 * MEGABYTE)
    before, size = peak_mb(), 0
    async with running.http.stream("GET", COINS) as answer:
        assert ("content-length" in answer.headers) == declared
        async for piece in answer.aiter_raw():
            size += len(piece)
    assert size == 300 * MEGABYTE
    assert peak_mb() - before < 30


async def test_a_client_that_has_had_enough_ends_a_gigabyte(running: Running) -> None:
    await begin(running, "huge_body")
    async with running.http.stream("GET", COINS) as answer:
        assert answer.headers["content-length"] == "1000000000"
        assert len(await anext(answer.aiter_raw())) > 0
    assert (await running.http.get(COINS)).status_code == 200


async def test_the_bomb_is_a_thousandth_of_what_it_unpacks_to(running: Running) -> None:
    before = peak_mb()
    await begin(running, "gzip_bomb", size_bytes=1_000 * MEGABYTE)
    packed = bytearray()
    async with running.http.stream("GET", COINS) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        async for piece in answer.aiter_raw():
            packed += piece
    assert len(packed) < 3 * MEGABYTE
    assert peak_mb() - before < 30


async def test_a_small_bomb_is_sound_gzip(running: Running) -> None:
    await begin(running, "gzip_bomb", size_bytes=5 * MEGABYTE)
    async with running.http.stream("GET", COINS) as answer:
        packed = b"".join([piece async for piece in answer.aiter_raw()])
    unpacked = gzip.decompress(packed)
    assert len(unpacked) >= 5 * MEGABYTE
    assert unpacked.strip() == b""


async def test_the_xml_bomb_has_entities_in_entities_and_one_of_a_file(running: Running) -> None:
    await begin(running, "xml_bomb")
    body = (await running.http.get("/rss/coindesk")).text
    assert body.count("<!ENTITY e") == 10
    assert "SYSTEM" in body
    assert len(body) < 2_000


async def test_junk_stands_behind_the_true_feed(running: Running) -> None:
    true = (await running.http.get("/rss/cointelegraph")).content
    await begin(running, "feed_junk", route="/rss/cointelegraph")
    junk = (await running.http.get("/rss/cointelegraph")).content
    assert junk.startswith(true)
    assert b"<script>" in junk[len(true) :]


async def test_a_fault_of_one_route_leaves_the_others_and_the_ping_alone(running: Running) -> None:
    await begin(running, "status_5xx", route="rss", seconds=60)
    assert (await running.http.get("/rss/coindesk")).status_code >= 500
    for path in (COINS, "/fng/", "/api/v3/time", "/api/v3/ping"):
        assert (await running.http.get(path)).status_code == 200
    await begin(running, "status_5xx", seconds=60)
    assert (await running.http.get("/api/v3/ping")).status_code == 200
    await running.http.delete("/control/faults")
    assert (await running.http.get("/rss/coindesk")).status_code == 200


async def test_an_answer_that_a_fault_replaced_was_not_published(running: Running) -> None:
    await begin(running, "truncated_json", route="coingecko")
    await running.http.get(COINS)
    keys = "/control/published?kind=prices"
    assert (await running.http.get(keys)).json()["keys"] == []
    rows = (await running.http.get(COINS)).json()
    told = (await running.http.get(keys)).json()["keys"]
    assert {key[1] for key in told} == {row["id"] for row in rows}
    assert {key[0] for key in told} == {"coingecko"}


async def test_the_share_of_a_fault_follows_from_its_seed(running: Running) -> None:
    async def statuses(seed: int) -> list[int]:
        await begin(running, "status_451", share=0.5, seconds=60, seed=seed)
        told = [(await running.http.get("/fng/")).status_code for _ in range(24)]
        await running.http.delete("/control/faults")
        return told

    first, again, other = await statuses(1), await statuses(1), await statuses(2)
    assert first == again
    assert first != other
    assert {200, 451} == set(first)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"kind": "nope"}, "known: status_429"),
        ({"kind": "status_429", "within_ms": 5}, "has no within_ms"),
        ({"kind": "xml_bomb", "route": "coingecko"}, "is for rss"),
        ({"kind": "xml_bomb", "route": "/api/v3/coins"}, "is for rss"),
        ({"kind": "status_429", "route": "nobody"}, "known: coingecko"),
        ({"kind": "status_429", "route": "/"}, "a path of theirs: /api/v3/coins"),
        ({"kind": "status_429", "route": "/control"}, "a path of theirs: /api/v3/coins"),
        ({"kind": "status_429", "count": 0}, "count"),
        ({"kind": "status_429", "extra": 1}, "extra"),
        ({"kind": "symbol_silent", "route": "binance"}, "has no route"),
    ],
)
async def test_a_fault_that_cannot_be_is_refused_with_words(
    running: Running, asked: dict[str, object], words: str
) -> None:
    answer = await running.http.post("/control/faults", json=asked)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


async def test_a_page_of_the_web_cannot_start_a_fault(running: Running) -> None:
    answer = await running.http.post("/control/faults", content='{"kind": "status_429"}')
    assert answer.status_code == 400
