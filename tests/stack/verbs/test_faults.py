"""`faults` speaks with the simulator of the demo that runs, and refuses politely without one."""

import json
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import ClassVar

import psutil
import pytest

from stack.failure import EXIT_USAGE, Failure
from stack.home import ActiveRun, Scenario
from stack.settings import StackSettings
from stack.verbs.faults import list_faults, parse_options, show_log, start, stop

DEMO = Scenario("market", 7, 0, 60.0)


class Control(BaseHTTPRequestHandler):
    """A control endpoint that remembers what it was asked."""

    asked: ClassVar[list[tuple[str, str, object]]] = []

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        self.asked.append((self.command, self.path, body))
        fault = {"id": 3, "kind": "status_429", "options": {"count": 2}, "remaining": 2,
                 "applied": 0}  # fmt: skip
        told: object = {"kinds": [], "active": [fault]}
        status = 200
        if self.command == "POST":
            refused = isinstance(body, dict) and body["kind"] == "nope"
            status, told = (400, {"error": "no fault nope"}) if refused else (201, fault)
        elif self.command == "DELETE":
            told = {"stopped": [fault] if "id=9" not in self.path else []}
        elif "log" in self.path:
            entry = {"number": 1, "fault": 3, "kind": "status_429", "event": "applied",
                     "wall_ms": 0, "scenario_ms": 0, "what": {"path": "/fng/"}}  # fmt: skip
            told = {"entries": [entry], "dropped": 0}
        sent = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the base class calls these names

    def log_message(self, format, *args) -> None:  # noqa: A002 - the base class names it so
        pass


@pytest.fixture
def settings(tmp_path) -> Iterator[StackSettings]:
    Control.asked = []
    server = HTTPServer(("127.0.0.1", 0), Control)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield StackSettings(_env_file=None, home=tmp_path, simulator_port=server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


def a_run(settings: StackSettings, scenario: Scenario | None = DEMO) -> None:
    born = psutil.Process().create_time()
    ActiveRun(str(settings.home_root), os.getpid(), born, 0, "", "", scenario).write(
        settings.home_root
    )


def test_without_a_demo_faults_are_refused_and_say_how_to_start_one(settings):
    with pytest.raises(Failure, match="No demo runs") as caught:
        list_faults(settings, as_json=False)
    assert "up --demo" in str(caught.value.fix)
    a_run(settings, scenario=None)
    with pytest.raises(Failure, match="is no demo"):
        start(settings, "status_429", [], as_json=False)
    assert Control.asked == []


@pytest.mark.integration
def test_start_sends_the_kind_with_its_options(settings, capsys):
    a_run(settings)
    start(settings, "status_429", ["--route", "rss", "--retry-after-s=7"], as_json=False)
    assert Control.asked == [
        ("POST", "/control/faults", {"kind": "status_429", "route": "rss", "retry_after_s": 7})
    ]
    assert "Fault 3 runs" in capsys.readouterr().out


@pytest.mark.integration
def test_a_refusal_has_the_simulators_words(settings):
    a_run(settings)
    with pytest.raises(Failure, match="no fault nope") as caught:
        start(settings, "nope", [], as_json=False)
    assert caught.value.exit_code == EXIT_USAGE


@pytest.mark.integration
def test_stop_names_what_it_stopped_and_what_never_ran(settings, capsys):
    a_run(settings)
    stop(settings, 3)
    assert "Stopped 3 (status_429)" in capsys.readouterr().out
    with pytest.raises(Failure, match="No fault 9"):
        stop(settings, 9)


@pytest.mark.integration
def test_list_and_log_show_what_runs_and_what_it_did(settings, capsys):
    a_run(settings)
    list_faults(settings, as_json=False)
    show_log(settings, after=0, as_json=False)
    printed = capsys.readouterr().out
    assert "count=2" in printed
    assert "path=/fng/" in printed
    show_log(settings, after=0, as_json=True)
    assert json.loads(capsys.readouterr().out)["entries"][0]["fault"] == 3


def test_options_are_read_as_numbers_truths_and_texts():
    words = ["--seconds", "30", "--cut", "--symbol=btcusdt", "--share", "0.5", "--also-rest"]
    assert parse_options(words) == {
        "seconds": 30, "cut": True, "symbol": "BTCUSDT", "share": 0.5, "also_rest": True,
    }  # fmt: skip
    with pytest.raises(Failure, match="no option"):
        parse_options(["rss"])
