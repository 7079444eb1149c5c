"""Makes or repairs `.venv` from requirements.lock. Run by `cryptoviz` before anything is installed,
so it uses the standard library only, and no other module of ours.

`.venv/cryptoviz-stamp` is written last and holds what the environment was made of; `cryptoviz`
compares it. A set-up cut short leaves `.venv/cryptoviz-unfinished` and is made from nothing again.
A lock keeps two first runs apart.
"""

import fcntl
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "cryptoviz-stamp"
UNFINISHED = VENV / "cryptoviz-unfinished"
LOG = ROOT / "var" / "logs" / "bootstrap.log"
POLL_S = 0.2
TAIL_LINES = 15
NEEDS_BYTES = 2_000_000_000


def content() -> bytes:
    """What the environment is made of; the same bytes as `cryptoviz` puts together."""
    made_of = [ROOT / "pyproject.toml", ROOT / "requirements.lock"]
    return f"{ROOT}\n".encode() + b"".join(path.read_bytes() for path in made_of)


def is_whole() -> bool:
    """Whether the environment is the one of today's lock."""
    return PYTHON.exists() and STAMP.exists() and STAMP.read_bytes() == content()


def main() -> None:
    """Make it whole. Exits with 1 and words when that fails."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with (ROOT / "var" / "bootstrap.lock").open("w") as lock:
        if not _locked(lock.fileno()):
            tell("another first run is making .venv; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_whole():
            _make(lock.fileno())


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make(lock_fd: int) -> None:
    if shutil.disk_usage(ROOT).free < NEEDS_BYTES:
        fail(f"Less than {NEEDS_BYTES // 10**9} GB free at {ROOT}: free some disk space.")
    LOG.write_text("", "utf-8")
    began = time.monotonic()
    if VENV.exists() and not _is_usable():
        tell("an earlier set-up of .venv was cut short or is of another Python: made again")
        shutil.rmtree(VENV)
    if not VENV.exists():
        _run("making .venv", [sys.executable, "-m", "venv", "--without-pip", str(VENV)], lock_fd)
        UNFINISHED.touch()
        _run("adding pip", [str(PYTHON), "-m", "ensurepip"], lock_fd)
    UNFINISHED.touch()
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install"]
    locked = ["--require-hashes", "-r", str(ROOT / "requirements.lock")]
    ours = ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]
    _run("installing the locked packages", [*pip, *locked], lock_fd)
    _run("installing cryptoviz", [*pip, *ours], lock_fd)
    UNFINISHED.unlink()
    temporary = STAMP.with_suffix(".tmp")
    temporary.write_bytes(content())
    temporary.replace(STAMP)
    tell(f".venv is ready ({time.monotonic() - began:.0f} s)")


def _is_usable() -> bool:
    """Whether packages can be put into the environment that is there."""
    if UNFINISHED.exists() or not PYTHON.exists():
        return False
    check = "import sys, pip; print(*sys.version_info[:2])"
    try:
        version = subprocess.run(  # noqa: S603 - the environment's own Python
            [str(PYTHON), "-c", check], capture_output=True, text=True, check=False, timeout=60
        ).stdout.split()
    except (OSError, subprocess.TimeoutExpired):
        return False
    return version == [str(number) for number in sys.version_info[:2]]


def _run(what: str, argv: list[str], lock_fd: int) -> None:
    """Run it with its output in the log and its elapsed time on the terminal.

    It inherits the lock: where we are killed and pip lives on, the next run waits for pip's end.
    """
    began = time.monotonic()
    with LOG.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(lock_fd,),
        )
        try:
            while process.poll() is None:
                _progress(f"{what} ... {time.monotonic() - began:.0f} s")
                time.sleep(POLL_S)
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            fail("stopped; the next run makes .venv again")
    _progress("")
    if process.returncode:
        tail = LOG.read_text("utf-8", "replace").splitlines()[-TAIL_LINES:]
        for line in tail:
            sys.stderr.write(f"  | {line}\n")
        fail(
            f"{what} failed. Log: {LOG}\n"
            "Check the network and the disk space, then run the same command again."
        )
    tell(f"{what}: {time.monotonic() - began:.0f} s")


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def tell(text: str) -> None:
    """One line for the person."""
    sys.stderr.write(f"cryptoviz: {text}\n")


def fail(text: str) -> None:
    """One line for the person, and the end."""
    tell(text)
    raise SystemExit(1)


if __name__ == "__main__":
    main()
