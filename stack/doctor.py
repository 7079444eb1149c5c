"""What this computer needs to run the platform, and the line that installs what is missing."""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.table import Table

from stack.console import console
from stack.failure import Failure
from stack.parts.influxd import influxd_on_path
from stack.parts.table import INFLUXD, KAFKA_JARS, SPARK_JARS
from stack.ports import is_free, owner
from stack.settings import StackSettings
from stack.versions import (
    GO_AT_LEAST,
    JAVA_AT_LEAST,
    NODE_AT_LEAST,
    PYTHON_AT_LEAST,
    PYTHON_BELOW,
)

DISK_NEEDS_GB = 6
MEMORY_NEEDS_GB = 4
GIGABYTE = 1_000_000_000
RUSTUP = "curl --proto '=https' -sSf https://sh.rustup.rs | sh"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table. `fix` is the command that mends it."""

    name: str
    is_ok: bool
    found: str
    fix: str = ""


def checks(settings: StackSettings) -> list[Check]:
    """Everything `up` needs. Tools for parts that are in the cache already are not asked for."""
    wanted = [_python(), _java(), _node(), _disk(settings.home_root), _memory()]
    jars_missing = any(part.fault() for part in (KAFKA_JARS, SPARK_JARS))
    wanted.insert(2, _maven(is_needed=jars_missing))
    if settings.influx_url:
        wanted.append(Check("InfluxDB", is_ok=True, found=f"{settings.influx_url} (INFLUX_URL)"))
    elif (binary := influxd_on_path()) is not None:
        wanted.append(Check("InfluxDB", is_ok=True, found=str(binary)))
    elif INFLUXD.fault() is None:
        wanted.append(Check("InfluxDB", is_ok=True, found=f"{INFLUXD.version}, in the cache"))
    else:
        wanted += [_go(), _rust(), _gcc(), _pkg_config()]
    return wanted


def port_checks(settings: StackSettings) -> list[Check]:
    """Whether the ports are free, for `doctor`."""
    return [
        Check(
            f"Port {port}",
            is_ok=is_free(port),
            found="free" if is_free(port) else f"taken by {owner(port)}",
            fix=f"set CRYPTOVIZ_{name} in .env to another port",
        )
        for name, port in ports_of(settings, is_demo=True).items()
    ]


def ports_of(settings: StackSettings, *, is_demo: bool) -> dict[str, int]:
    """Ports by the name of their setting, without the prefix."""
    names = ["kafka_port", "kafka_controller_port", "api_port", "web_port"]
    names += [] if settings.influx_url else ["influx_port"]
    names += ["simulator_port"] if is_demo else []
    return {name.upper(): getattr(settings, name) for name in names}


def require(found: list[Check]) -> None:
    """Raises Failure that names each missing thing and the command that installs it."""
    missing = [check for check in found if not check.is_ok]
    if missing:
        raise Failure(
            "This computer lacks something that the platform needs:\n"
            + "\n".join(f"  {c.name}: {c.found}\n    {c.fix}" for c in missing),
            fix="`./cryptoviz doctor` shows the whole list.",
        )


def show(found: list[Check]) -> None:
    """The table for people."""
    table = Table(box=None, pad_edge=False)
    for title in ("", "needed", "found", "do this"):
        table.add_column(title, overflow="fold")
    for check in found:
        mark = "[green]✓[/]" if check.is_ok else "[red]✗[/]"
        table.add_row(mark, check.name, check.found, "" if check.is_ok else check.fix)
    console.print(table)


def java_binary() -> str | None:
    """The java that Kafka and Spark use: JAVA_HOME's, else the one on PATH."""
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").exists():
        return str(Path(home) / "bin" / "java")
    return shutil.which("java")


def install(debian: str, mac: str) -> str:
    """The installing line of this kind of computer."""
    if platform.system() == "Darwin":
        return f"brew install {mac}"
    return f"sudo apt-get install -y {debian}"


def _python() -> Check:
    version = sys.version_info[:2]
    return Check(
        "Python 3.11 to 3.13",
        is_ok=PYTHON_AT_LEAST <= version < PYTHON_BELOW,
        found=platform.python_version(),
        fix=install("python3.11 python3.11-venv", "python@3.13"),
    )


def java_major(text: str) -> int | None:
    """Major version out of `java -version`: 17 of `version "17.0.15"`, 8 of `"1.8.0_412"`."""
    found = re.search(r'version "(\d+)(?:\.(\d+))?', text)
    if found is None:
        return None
    return int(found[2] or 1) if found[1] == "1" else int(found[1])


def _java() -> Check:
    name = f"Java {JAVA_AT_LEAST} or 21"
    fix = install("openjdk-17-jre-headless", "openjdk@17")
    java = java_binary()
    if java is None:
        return Check(name, is_ok=False, found="absent", fix=fix)
    major = java_major(_output([java, "-version"]))
    if major is None:
        return Check(name, is_ok=False, found=f"{java} does not say its version", fix=fix)
    return Check(name, is_ok=major >= JAVA_AT_LEAST, found=f"Java {major} ({java})", fix=fix)


def _maven(*, is_needed: bool) -> Check:
    found = shutil.which("mvn")
    if not is_needed:
        return Check("Maven", is_ok=True, found="not needed: all jars are in the cache")
    return Check("Maven", found is not None, found or "absent", install("maven", "maven"))


def _node() -> Check:
    node, npm = shutil.which("node"), shutil.which("npm")
    name = f"Node {NODE_AT_LEAST} with npm"
    fix = install("nodejs npm", "node") + f", or version {NODE_AT_LEAST}+ from https://nodejs.org"
    if node is None or npm is None:
        return Check(name, is_ok=False, found="absent", fix=fix)
    version = _output([node, "--version"]).strip()
    major = re.match(r"v(\d+)", version)
    return Check(name, major is not None and int(major[1]) >= NODE_AT_LEAST, version, fix)


def _go() -> Check:
    wanted = ".".join(map(str, GO_AT_LEAST))
    fix = install("golang", "go") + f", or version {wanted}+ from https://go.dev/dl"
    if shutil.which("go") is None:
        return Check(f"Go {wanted} (or influxd)", is_ok=False, found="absent", fix=fix)
    version = _output(["go", "env", "GOVERSION"]).strip()
    numbers = re.match(r"go(\d+)\.(\d+)", version)
    is_ok = numbers is not None and (int(numbers[1]), int(numbers[2])) >= GO_AT_LEAST
    return Check(f"Go {wanted} (or influxd)", is_ok, version or "does not say its version", fix)


def _rust() -> Check:
    cargo = shutil.which("cargo")
    fix = "brew install rust" if platform.system() == "Darwin" else RUSTUP
    return Check("Rust (or influxd)", cargo is not None, cargo or "absent", fix)


def _gcc() -> Check:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    fix = "xcode-select --install" if platform.system() == "Darwin" else install("gcc", "")
    return Check("C compiler (or influxd)", compiler is not None, compiler or "absent", fix)


def _pkg_config() -> Check:
    found = shutil.which("pkg-config")
    fix = install("pkg-config", "pkgconf")
    return Check("pkg-config (or influxd)", found is not None, found or "absent", fix)


def _disk(folder: Path) -> Check:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free_gb = shutil.disk_usage(existing).free / GIGABYTE
    return Check(
        f"Disk, {DISK_NEEDS_GB} GB free",
        is_ok=free_gb >= DISK_NEEDS_GB,
        found=f"{free_gb:.1f} GB free at {existing}",
        fix="free some space, or set CRYPTOVIZ_HOME to a folder on a larger disk",
    )


def _memory() -> Check:
    total_gb = psutil.virtual_memory().total / GIGABYTE
    return Check(
        f"Memory, {MEMORY_NEEDS_GB} GB",
        is_ok=total_gb >= MEMORY_NEEDS_GB,
        found=f"{total_gb:.1f} GB",
        fix="a computer with more memory",
    )


def _output(
    argv: list[str], run: Callable[..., subprocess.CompletedProcess[str]] | None = None
) -> str:
    """Standard output and error of a tool that says its version."""
    try:
        done = (run or subprocess.run)(
            argv, capture_output=True, text=True, check=False, timeout=20, cwd="/"
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr
