"""`down`: stop what runs by its records, and nothing else."""

from stack.console import StepBoard, say
from stack.home import ActiveRun, all_homes, same_process, up_file
from stack.interrupt import pause
from stack.processes.records import members, records_in
from stack.settings import StackSettings
from stack.verbs.up import stop_orphans

POLL_S = 0.2


def down(settings: StackSettings) -> None:
    """Ask the supervisor to stop everything; then stop what is left by its record."""
    stopped = _stop_supervisor(settings) + stop_orphans(settings)
    up_file(settings.home_root).unlink(missing_ok=True)
    say(f"Stopped {', '.join(stopped)}." if stopped else "Nothing is running.")


def _stop_supervisor(settings: StackSettings) -> list[str]:
    run = ActiveRun.read(settings.home_root)
    supervisor = same_process(run.pid, run.create_time) if run is not None else None
    if run is None or supervisor is None:
        return []
    running = [
        record.name
        for home in all_homes(settings.home_root)
        for record in records_in(home.run)
        if members(record)
    ]
    supervisor.terminate()
    with StepBoard() as board:
        step = board.step("stopping")
        while same_process(run.pid, run.create_time) is not None:
            step.tell(f"{run.home} (pid {run.pid})")
            pause(POLL_S)
        step.done("stopped")
    return running
