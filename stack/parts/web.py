"""The viewer's packages and build, inside web/: made again only when what they come from changes.

The stamp of the packages is written last into node_modules, that of the build into .next, so that
a set-up cut short is seen. `npm ci` empties node_modules first, so it repairs any state.
"""

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from stack.console import Step
from stack.interrupt import pause
from stack.locks import held
from stack.parts.cache import LOCK_POLL_S, cache_root, check_space
from stack.settings import ROOT
from stack.tools import run_logged

WEB = ROOT / "web"
NOT_SOURCE = {"node_modules", ".next", "tests", "test-results", "coverage"}
NOT_SOURCE_SUFFIXES = {".tsbuildinfo", ".md"}
NEEDS_MB = 1_500
NO_TELEMETRY = {"NEXT_TELEMETRY_DISABLED": "1"}


class WebPart:
    """node_modules and the production build of one checkout."""

    name = "web"

    def __init__(self, web: Path = WEB) -> None:
        self._web = web
        self.log = cache_root() / "logs" / f"web-{_short(str(web).encode())}.log"

    @property
    def folder(self) -> Path:
        """The viewer's folder."""
        return self._web

    @property
    def next_bin(self) -> Path:
        """Next's own entry, run by node so that signals reach it."""
        return self._web / "node_modules" / "next" / "dist" / "bin" / "next"

    def packages_fault(self) -> str | None:
        """Why node_modules cannot be used, None when it can."""
        if _read(self._packages_stamp) == self._packages_hash():
            return None
        return "packages are not those of package-lock.json"

    def build_fault(self) -> str | None:
        """Why the build cannot be used, None when it can."""
        if not (self._web / ".next" / "BUILD_ID").exists():
            return "not built yet"
        if _read(self._build_stamp) != self._source_hash():
            return "the sources have changed"
        return None

    def fault(self) -> str | None:
        """What is missing, None when the viewer can start."""
        return self.packages_fault() or self.build_fault()

    def ensure_packages(self, step: Step) -> None:
        """`npm ci` where needed."""
        with self._lock(step):
            self._ensure_packages(step)

    def ensure(self, step: Step) -> Path:
        """`npm ci` and `next build` where needed; the folder of the viewer."""
        if self.fault() is None:
            step.done("built before")
            return self._web
        with self._lock(step):
            self._ensure_packages(step)
            if self.build_fault() is not None:
                self._build(step)
        step.done("built")
        return self._web

    def _ensure_packages(self, step: Step) -> None:
        if self.packages_fault() is None:
            return
        check_space(self._web, NEEDS_MB)
        self._packages_stamp.unlink(missing_ok=True)
        self._npm(
            "ci", "--no-audit", "--no-fund", what="Installing the viewer's packages", step=step
        )
        self._packages_stamp.write_text(self._packages_hash(), "utf-8")

    def _build(self, step: Step) -> None:
        source_hash = self._source_hash()
        self._build_stamp.unlink(missing_ok=True)
        self._npm("run", "build", what="Building the viewer", step=step)
        self._build_stamp.write_text(source_hash, "utf-8")

    def _npm(self, *arguments: str, what: str, step: Step) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")
        run_logged(
            ["npm", *arguments],
            log=self.log,
            what=what,
            cwd=self._web,
            env=NO_TELEMETRY,
            step=step,
        )

    def _lock(self, step: Step) -> AbstractContextManager[None]:
        def wait() -> None:
            step.tell("another command is building it; waiting")
            pause(LOCK_POLL_S)

        return held(cache_root() / "locks" / self.log.stem, wait=wait)

    @property
    def _packages_stamp(self) -> Path:
        return self._web / "node_modules" / ".cryptoviz-packages"

    @property
    def _build_stamp(self) -> Path:
        return self._web / ".next" / "cryptoviz-build"

    def _packages_hash(self) -> str:
        lock = (self._web / "package-lock.json").read_bytes()
        return hashlib.sha256(lock + _node_version()).hexdigest()

    def _source_hash(self) -> str:
        digest = hashlib.sha256(self._packages_hash().encode())
        for path in sorted(_sources(self._web)):
            digest.update(str(path.relative_to(self._web)).encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in NOT_SOURCE or path.name.startswith(".env"):
            continue
        if path.is_dir():
            yield from _sources(path)
        elif path.suffix not in NOT_SOURCE_SUFFIXES and path.name != "next-env.d.ts":
            yield path


def _node_version() -> bytes:
    return subprocess.run(
        ["node", "--version"],  # noqa: S607 - the one that will run it
        capture_output=True,
        check=False,
    ).stdout


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None
