"""Parts in the cache, shared by all checkouts: made under a temporary name, renamed when whole.

`manifest.json` is written last and holds the size of every file, so a part that is incomplete or
damaged is seen and made again. A lock keeps two checkouts from making the same part at once.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stack.console import Step
from stack.failure import Failure
from stack.interrupt import pause
from stack.locks import held

MANIFEST = "manifest.json"
LOCK_POLL_S = 0.3
MEGABYTE = 1_000_000

Make = Callable[[Path, Path, Step], None]
"""Fill a folder: (folder, log, step). Raises Failure."""


def cache_root() -> Path:
    """Folder of all parts on this computer."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "cryptoviz"


@dataclass(frozen=True, slots=True)
class CachedPart:
    """A part and how it is made. `needs_mb` is the disk that making it takes."""

    name: str
    version: str
    needs_mb: int
    make: Make

    @property
    def folder(self) -> Path:
        """Where it is once it is whole."""
        return cache_root() / f"{self.name}-{self.version}"

    @property
    def log(self) -> Path:
        """What the tools said while it was made."""
        return cache_root() / "logs" / f"{self.name}-{self.version}.log"

    def fault(self) -> str | None:
        """What is wrong with it, None when it is whole."""
        return folder_fault(self.folder)

    def ensure(self, step: Step) -> Path:
        """Its folder, made where it is missing or damaged."""
        fault = self.fault()
        if fault is None:
            step.done(f"{self.version}, from the cache")
            return self.folder
        with held(cache_root() / "locks" / self.name, wait=lambda: _wait(step)):
            fault = self.fault()  # another checkout may have made it meanwhile
            if fault is not None:
                self._make(step, fault)
        step.done(f"{self.version}, made")
        return self.folder

    def _make(self, step: Step, fault: str) -> None:
        if self.folder.exists():
            step.tell(f"{fault}: made again")
            shutil.rmtree(self.folder)
        for leftover in cache_root().glob(f".{self.name}-*.tmp"):
            shutil.rmtree(leftover)
        check_space(cache_root(), self.needs_mb)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")
        temporary = Path(tempfile.mkdtemp(prefix=f".{self.name}-", suffix=".tmp", dir=cache_root()))
        try:
            self.make(temporary, self.log, step)
            write_manifest(temporary)
            temporary.rename(self.folder)
        except OSError as error:
            raise Failure(f"{self.name} could not be kept: {error}", log=self.log) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_manifest(folder: Path) -> None:
    """Note the size of every file in the folder."""
    sizes = {
        str(path.relative_to(folder)): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    (folder / MANIFEST).write_text(json.dumps(sizes, indent=1), "utf-8")


def folder_fault(folder: Path) -> str | None:
    """What is wrong with a folder by its manifest, None when nothing is."""
    if not folder.is_dir():
        return "not there yet"
    try:
        sizes = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return "its manifest is missing or damaged"
    for name, size in sizes.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != size:
            return f"{name} is damaged ({path.stat().st_size} of {size} bytes)"
    return None


def check_space(folder: Path, needs_mb: int) -> None:
    """Raises Failure where the disk has not enough room."""
    folder.mkdir(parents=True, exist_ok=True)
    free_mb = shutil.disk_usage(folder).free // MEGABYTE
    if free_mb < needs_mb:
        raise Failure(
            f"Not enough disk space at {folder}: {free_mb} MB free, {needs_mb} MB needed.",
            fix="Free some space, or set XDG_CACHE_HOME to a folder on a larger disk.",
        )


def _wait(step: Step) -> None:
    step.tell("another checkout is making it; waiting")
    pause(LOCK_POLL_S)
