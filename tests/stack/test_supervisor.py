"""Backoff, and real children that die, finish, hang and leave things behind."""

import os
import signal
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from stack.console import StepBoard
from stack.failure import Failure
from stack.home import Home, same_process
from stack.processes.command import Command
from stack.processes.records import Record, members, records_in, stop
from stack.supervisor import FIRST_BACKOFF_S, LONGEST_BACKOFF_S, Supervisor, next_backoff

WAIT = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(15, lambda *_: None); print('deaf', flush=True); " + WAIT
PARENT = (
    "import subprocess, sys, time;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print(child.pid, flush=True); time.sleep(600)"
)


def test_the_wait_doubles_up_to_its_limit_and_a_minute_of_life_sets_it_back():
    waits, backoff_s = [], FIRST_BACKOFF_S
    for _ in range(9):
        wait_s, backoff_s = next_backoff(backoff_s, age_s=1.0)
        waits.append(wait_s)
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert next_backoff(LONGEST_BACKOFF_S, age_s=60.0) == (FIRST_BACKOFF_S, 1.0)


@pytest.fixture
def home(tmp_path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    return made


@pytest.fixture
def spoken() -> list[str]:
    return []


@pytest.fixture
def supervisor(home: Home, spoken: list[str]) -> Iterator[Supervisor]:
    made = Supervisor(home, report=spoken.append)
    yield made
    stop(list(records_in(home.run)), report=spoken.append, hurry=lambda: True)
    made.tick()


def a_command(script: str, **facts) -> Command:
    name = facts.pop("name", "child")
    argv = (sys.executable, "-c", script)
    return Command(name=name, argv=argv, cwd=facts.pop("cwd"), **facts)


def until(supervisor: Supervisor, is_reached: Callable[[], bool]) -> None:
    assert supervisor.supervise_until(is_reached, timeout_s=20), "not reached within 20 s"


@pytest.mark.integration
def test_a_child_killed_by_9_comes_back_and_is_reported(home, supervisor, spoken):
    supervisor.start(a_command(WAIT, cwd=home.path))
    first = supervisor.record_of("child")
    os.kill(first.pid, signal.SIGKILL)
    until(supervisor, lambda: supervisor.record_of("child").restarts == 1)
    second = supervisor.record_of("child")
    assert second.pid != first.pid
    assert same_process(second.pid, second.create_time) is not None
    assert "killed by signal 9" in spoken[0]
    assert str(home.logs / "child.log") in spoken[0]


@pytest.mark.integration
def test_a_one_shot_that_ends_well_is_left_in_peace(home, supervisor, spoken):
    supervisor.start(a_command("print('done')", cwd=home.path, one_shot=True))
    until(supervisor, lambda: supervisor.record_of("child").state == "finished")
    supervisor.tick()
    assert supervisor.record_of("child").restarts == 0
    assert spoken == []


@pytest.mark.integration
def test_a_one_shot_that_fails_is_tried_again(home, supervisor, spoken):
    supervisor.start(a_command("raise SystemExit(3)", cwd=home.path, one_shot=True))
    until(supervisor, lambda: supervisor.record_of("child").restarts >= 1)
    assert "exit code 3" in spoken[0]


@pytest.mark.integration
def test_a_child_that_never_gets_ready_fails_the_start_with_its_last_words(home, supervisor):
    script = "raise SystemExit('no such setting')"
    supervisor.start(a_command(script, cwd=home.path, is_ready=lambda: False))
    with StepBoard() as board, pytest.raises(Failure, match="died 3 times") as caught:
        supervisor.wait_ready("child", step=board.step("child"), timeout_s=30)
    assert "no such setting" in caught.value.tail


@pytest.mark.integration
def test_a_deaf_child_is_killed_after_its_grace(home, supervisor, spoken):
    supervisor.start(a_command(DEAF, cwd=home.path, stop_grace_s=0.3))
    until(supervisor, lambda: "deaf" in (home.logs / "child.log").read_text())
    supervisor.stop_all((("child",),))
    assert any("killed" in line for line in spoken)
    assert members(supervisor.record_of("child")) == []


@pytest.mark.integration
def test_groups_stop_one_after_the_other(home, supervisor, spoken):
    for name in ("first", "second"):
        supervisor.start(a_command(WAIT, cwd=home.path, name=name))
    supervisor.stop_all((("second",), ("first",)))
    assert spoken == ["stopped second", "stopped first"]


@pytest.mark.integration
def test_what_a_killed_child_left_behind_is_gone_before_its_successor_starts(home, supervisor):
    supervisor.start(a_command(PARENT, cwd=home.path))
    log = home.logs / "child.log"
    until(supervisor, lambda: log.read_text().endswith("\n"))
    grandchild = psutil.Process(int(log.read_text()))
    os.kill(supervisor.record_of("child").pid, signal.SIGKILL)
    until(supervisor, lambda: supervisor.record_of("child").restarts == 1)
    assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE


@pytest.mark.integration
def test_a_record_whose_number_is_somebody_elses_now_stops_nobody(home, supervisor):
    supervisor.start(a_command(WAIT, cwd=home.path))
    real = supervisor.record_of("child")
    stale = Record(**{**_fields(real), "create_time": real.create_time - 1000})
    assert stop([stale], report=pytest.fail) == []
    assert same_process(real.pid, real.create_time) is not None


@pytest.mark.integration
def test_orphans_are_stopped_by_their_records_and_strangers_are_not(home, supervisor):
    supervisor.start(a_command(WAIT, cwd=home.path))
    stranger = psutil.Popen([sys.executable, "-c", WAIT], start_new_session=True)
    try:
        assert stop(list(records_in(home.run)), report=pytest.fail) == ["child"]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def _fields(record: Record) -> dict[str, object]:
    return {name: getattr(record, name) for name in Record.__dataclass_fields__}
