"""influxd as a Go tool dependency of stack/influxd/go.mod; about four minutes on two cores.

Flux is a Rust library behind cgo: `pkg-config` of InfluxData builds it on the way. Its pinned Rust
toolchain is not wanted, any installed one serves.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from stack.console import Step
from stack.parts.cache import CachedPart
from stack.settings import ROOT
from stack.tools import run_logged
from stack.versions import INFLUXDB

MODULE = ROOT / "stack" / "influxd"
BINARY = "influxd"
TAGS = "sqlite_foreign_keys,sqlite_json"


def make_influxd(folder: Path, log: Path, step: Step) -> None:
    """Build pkg-config, then influxd with it."""
    env = {
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "",
        "GOWORK": "off",
        "CGO_ENABLED": "1",
        "RUSTFLAGS": "--cap-lints=warn",
        "CARGO_PROFILE_RELEASE_LTO": "off",
        **_rust_toolchain(),
    }
    pkg_config = folder / "tools" / "pkg-config"
    _go_build("github.com/influxdata/pkg-config", pkg_config, env=env, log=log, step=step)
    _go_build(
        "github.com/influxdata/influxdb/v2/cmd/influxd",
        folder / BINARY,
        *("-tags", TAGS, "-ldflags", f"-X main.version=v{INFLUXDB} -s -w"),
        env={**env, "PKG_CONFIG": str(pkg_config)},
        log=log,
        step=step,
    )
    shutil.rmtree(pkg_config.parent)


def _go_build(
    package: str, target: Path, *options: str, env: dict[str, str], log: Path, step: Step
) -> None:
    run_logged(
        ["go", "build", "-mod=readonly", *options, "-o", str(target), package],
        log=log,
        what=f"Building {target.name} with Go (several minutes once)"
        if target.name == BINARY
        else f"Building {target.name} with Go",
        cwd=MODULE,
        env=env,
        step=step,
    )


def _rust_toolchain() -> dict[str, str]:
    """The installed toolchain by name, so that rustup downloads none; nothing without rustup."""
    if "RUSTUP_TOOLCHAIN" in os.environ or shutil.which("rustup") is None:
        return {}
    active = subprocess.run(
        ["rustup", "show", "active-toolchain"],  # noqa: S607 - found on PATH just now
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    return {"RUSTUP_TOOLCHAIN": active[0]} if active else {}


def influxd_on_path() -> Path | None:
    """An installed influxd of version 2."""
    found = shutil.which(BINARY)
    if found is None:
        return None
    version = subprocess.run(  # noqa: S603 - found on PATH just now
        [found, "version"], capture_output=True, text=True, check=False, timeout=20
    ).stdout
    return Path(found) if re.search(r"\bv?2\.\d+", version) else None


def influxd_binary(part: CachedPart, step: Step) -> Path:
    """The first found: PATH, the cache, built."""
    installed = influxd_on_path()
    if installed is not None:
        step.done(f"{installed}")
        return installed
    return part.ensure(step) / BINARY
