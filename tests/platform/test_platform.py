"""The whole platform as a person starts it: recorded bars in, the same bars out, in Chromium too.

One demo serves all tests of this file, in the order in which they stand.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Consumer, Producer

from schemas.codec import decode
from schemas.record_types import DEAD_LETTER, TRADE
from stack.console import StepBoard
from stack.home import same_process
from stack.proofs.demo import Demo, Residence
from stack.proofs.replayed_bars import Replay, ReplayReport, iso, play_and_compare
from stack.settings import ROOT
from tests.platform.recording import START, write_recording
from tests.readme import readme_commands
from tests.spark_jobs.builders import a_trade_message

pytestmark = pytest.mark.integration

SPEED = 600.0
POISON = {
    b"not avro": "bad_magic",
    b"\x00\x00\x00\x00\x63unknown": "unknown_schema",
    a_trade_message(1)[:20]: "truncated",
    a_trade_message(1, price=-1.0): "impossible_value",
}


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Replay:
    bars = write_recording(tmp_path_factory.mktemp("bars"), seed=5, minutes=30 * 60)
    return Replay(
        bars=tuple(bars),
        from_ms=round(START.timestamp() * 1000),
        hours=2,
        speed=SPEED,
        kills=("spark", "influxd", "kafka"),
    )


@pytest.fixture(scope="module")
def residence(tmp_path_factory: pytest.TempPathFactory) -> Residence:
    return Residence.new(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def demo(replay: Replay, residence: Residence) -> Iterator[Demo]:
    with Demo(residence, replay.arguments()) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture(scope="module")
def report(demo: Demo, replay: Replay, residence: Residence) -> ReplayReport:
    poison(residence)
    with StepBoard() as board:
        return play_and_compare(replay, demo, board)


def kafka(residence: Residence) -> str:
    return f"127.0.0.1:{residence.ports['KAFKA']}"


def poison(residence: Residence) -> None:
    producer = Producer({"bootstrap.servers": kafka(residence)})
    for payload in POISON:
        producer.produce(TRADE.topic, payload, key=b"poison")
    assert producer.flush(20) == 0


def test_every_bar_equals_the_recording_although_spark_influxd_and_kafka_were_killed(report):
    for market in report.markets:
        assert market.different == []
        assert market.missing == []
        assert market.extra == []
        assert market.called_gaps == 0, "quiet minutes are told apart from gaps"
        assert market.equal == market.recorded > 60
        assert market.without_trades > 20
    assert [kill["process"] for kill in report.kills] == ["spark", "influxd", "kafka"]


def test_each_poison_record_is_a_dead_letter_once_with_its_reason(report, residence):
    consumer = Consumer(
        {
            "bootstrap.servers": kafka(residence),
            "group.id": "test",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([DEAD_LETTER.topic])
    letters = {}
    for _ in range(60):
        message = consumer.poll(1.0)
        if message is not None and message.error() is None:
            _, letter = decode(message.value())
            letters[letter["topic"], letter["partition"], letter["offset"]] = letter
        if len(letters) >= len(POISON):
            break
    consumer.close()
    assert {letter["payload"]: letter["reason"] for letter in letters.values()} == POISON


def test_history_from_before_the_start_stands_on_its_own_layer(report, demo, replay):
    answer = demo.get(
        "/coins/bitcoin/candles", symbol="BTCUSD", interval="1h", to=iso(replay.to_ms)
    )
    assert answer["data"]
    assert answer["meta"]["symbol"] == "BTCUSD"


def test_long_bars_are_those_of_their_minutes_and_bear_indicators(report, demo, replay):
    asked = {"symbol": "BTCUSDC", "from": iso(replay.from_ms), "to": iso(replay.to_ms)}
    minutes = demo.get("/coins/bitcoin/candles", interval="1m", **asked)["data"]
    long_bars = demo.get("/coins/bitcoin/candles", interval="15m", **asked)["data"]
    final = [bar for bar in long_bars if bar["is_final"]]
    assert len(final) >= 4
    for bar in final:
        opened = datetime.fromisoformat(bar["open_time"])
        inside = [
            one
            for one in minutes
            if opened <= datetime.fromisoformat(one["open_time"]) < opened + timedelta(minutes=15)
        ]
        assert (bar["open"], bar["close"]) == (inside[0]["open"], inside[-1]["close"])
        assert bar["high"] == max(one["high"] for one in inside)
        assert bar["volume"] == pytest.approx(sum(one["volume"] for one in inside), rel=1e-9)
    closes = {one["open_time"]: one["close"] for one in minutes}
    for _ in range(60):  # the job `bars` looks every ten seconds, and it was killed as well
        rows = demo.get("/coins/bitcoin/analytics", interval="1m", **asked)["data"]
        held = [row for row in rows if row["layer"] == "speed"]
        if len(held) > 5:
            break
        time.sleep(1.0)
    assert len(held) > 5
    assert all(row["close"] == closes[row["open_time"]] for row in held)
    last_five = [row["close"] for row in rows][-5:]
    assert rows[-1]["sma_5"] == pytest.approx(sum(last_five) / 5, rel=1e-9)


def test_the_platform_says_that_it_replays_a_past_day(report, demo):
    clock = demo.get("/health")["data"]["clock"]
    assert clock["is_replay"]
    assert clock["scenario"] == "bars"
    assert clock["speed"] == SPEED
    assert clock["now"].startswith("2023-03-1")


def test_the_price_of_the_coin_is_that_of_its_main_market_in_dollars(report, demo):
    coin = demo.get("/coins/bitcoin")["data"]
    assert {market["symbol"] for market in coin["markets"]} == {"BTCUSD", "BTCUSDC", "BTCUSDT"}
    assert [market["symbol"] for market in coin["markets"] if market["is_main"]] == ["BTCUSD"]
    assert coin["price_usd"] > 0


def test_an_unknown_coin_is_404_and_an_absurd_range_422_that_names_the_limit(report, demo):
    nobody = httpx.get(f"{demo.api}/coins/nope")
    assert nobody.status_code == 404
    assert nobody.headers["content-type"].startswith("application/problem+json")
    absurd = httpx.get(
        f"{demo.api}/coins/bitcoin/candles",
        params={"interval": "1m", "from": "2010-01-01T00:00:00Z", "to": "2023-01-01T00:00:00Z"},
    )
    assert absurd.status_code == 422
    assert "10000" in absurd.text.replace(",", "")


def test_the_viewer_shows_the_price_that_the_api_answers(report, demo):
    npm = shutil.which("npm")
    assert npm is not None
    done = subprocess.run(
        [npm, "run", "--silent", "test:browser", "--", "platform"],
        cwd=Path(ROOT, "web"),
        env={**os.environ, "CRYPTOVIZ_WEB_URL": demo.web, "CRYPTOVIZ_API_URL": demo.api},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def cryptoviz(residence: Residence, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it."""
    return subprocess.run(
        [str(ROOT / "cryptoviz"), *arguments],
        env=residence.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def of_readme(verb: str) -> list[str]:
    """Arguments of the one command with that verb in the README."""
    (words,) = [words[1:] for words in readme_commands() if words[:2] == ["./cryptoviz", verb]]
    return words


@pytest.mark.parametrize("url", [words[1] for words in readme_commands() if words[0] == "curl"])
def test_an_address_of_the_readme_answers_with_data_and_meta(report, demo, url):
    answer = httpx.get(url.replace("http://127.0.0.1:8000", demo.api))
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"data", "meta"}


def test_status_names_every_process_and_how_fresh_the_numbers_are(report, residence):
    done = cryptoviz(residence, *of_readme("status"))
    assert done.returncode == 0, done.stderr
    for name in ("influxd", "kafka", "simulator", "spark", "binance_trades", "api", "web"):
        assert name in done.stdout
    assert "REPLAY" in done.stdout


def test_logs_shows_the_last_lines_of_a_process(report, residence):
    done = cryptoviz(residence, *of_readme("logs"))
    assert done.returncode == 0
    assert "query_started" in done.stdout


def test_dead_letters_are_listed_and_a_dry_run_publishes_nothing(report, residence):
    done = cryptoviz(residence, *of_readme("dead-letters"))
    assert done.returncode == 0, done.stderr
    assert "dead letters." in done.stdout
    dry = cryptoviz(residence, "dead-letters", "redrive", "--dry-run", "--json")
    assert dry.returncode == 0, dry.stderr
    assert json.loads(dry.stdout)["dry_run"] is True
    unknown = cryptoviz(residence, "dead-letters", "show", "nobody")
    assert unknown.returncode == 2


def test_doctor_finds_that_nothing_is_missing_but_names_the_ports_that_are_taken(report, residence):
    done = cryptoviz(residence, *of_readme("doctor"))
    assert "Java 17 or 21" in done.stdout
    assert str(residence.ports["KAFKA"]) in done.stdout


def test_submit_runs_one_job_alone_beside_the_platform(report, residence, tmp_path):
    log = tmp_path / "submit.log"
    with log.open("wb") as output:
        job = subprocess.Popen(
            [str(ROOT / "cryptoviz"), *of_readme("submit")],
            env=residence.environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        for _ in range(120):
            if b'"query": "candles"' in log.read_bytes() or job.poll() is not None:
                break
            time.sleep(0.5)
        text = log.read_text("utf-8", "replace")
        assert "query_started" in text, text[-3000:]
        assert "prices" not in text, "one job runs alone"
    finally:
        os.killpg(job.pid, signal.SIGTERM)
        job.wait(30)


def test_a_second_up_says_that_it_runs_already(report, residence):
    done = cryptoviz(residence, "up", "--demo")
    assert done.returncode == 3
    assert "Already running" in done.stdout + done.stderr


def test_down_stops_everything_that_up_started(report, demo, residence):
    """Stands last: after it nothing of the demo runs."""
    records = [json.loads(path.read_text("utf-8")) for path in demo.home().run.glob("*.json")]
    running = [record for record in records if record["state"] == "running"]
    assert len(running) >= 8
    done = cryptoviz(residence, *of_readme("down"))
    assert done.returncode == 0
    alive = [one["name"] for one in running if same_process(one["pid"], one["create_time"])]
    assert alive == []
    assert "Nothing" in cryptoviz(residence, "down").stdout
