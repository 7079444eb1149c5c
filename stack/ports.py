"""Is a port free, and if not, who has it."""

import socket
import subprocess

import psutil

from stack.failure import Failure
from stack.settings import HOST


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody uses now, for tests."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def owner(port: int) -> str:
    """The process that listens on the port, in words: pid and command."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and tuple(connection.laddr)[1:] == (port,) and connection.pid:
                return _describe(connection.pid)
    except psutil.AccessDenied:  # macOS shows all sockets to root only
        return _owner_by_lsof(port)
    return "a process of another user"


def _describe(pid: int) -> str:
    try:
        words = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        words = "command unknown"
    return f"pid {pid} ({words[:120]})"


def _owner_by_lsof(port: int) -> str:
    try:
        found = subprocess.run(  # noqa: S603 - fixed words and a number
            ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fp"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    except OSError:
        return "a process that cannot be named here"
    pids = [line[1:] for line in found.splitlines() if line.startswith("p")]
    return _describe(int(pids[0])) if pids else "a process of another user"


def check_free(ports: dict[str, int]) -> None:
    """Raises Failure that names every taken port, its owner and the setting that moves it."""
    taken = {setting: port for setting, port in ports.items() if not is_free(port)}
    if taken:
        raise Failure(
            "\n".join(
                f"Port {port}, wanted for {_words(setting)}, is taken by {owner(port)}."
                for setting, port in taken.items()
            ),
            fix="Stop it, or choose another port in .env: "
            + ", ".join(f"CRYPTOVIZ_{setting}=..." for setting in taken),
        )


def _words(setting: str) -> str:
    return setting.removesuffix("_PORT").lower().replace("_", " ")
