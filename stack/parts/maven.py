"""Jars by Maven, from a pom of ours."""

from pathlib import Path

from stack.console import Step
from stack.failure import Failure
from stack.parts.cache import Make
from stack.settings import ROOT
from stack.tools import run_logged


def jars_of(name: str) -> Make:
    """Copies the runtime jars of stack/<name>/pom.xml."""
    pom = ROOT / "stack" / name / "pom.xml"

    def make(folder: Path, log: Path, step: Step) -> None:
        run_logged(
            [
                *("mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"),
                *("-DincludeScope=runtime", f"-DoutputDirectory={folder}"),
            ],
            log=log,
            what=f"Fetching the jars of {name} with Maven",
            step=step,
        )
        if not any(folder.glob("*.jar")):
            raise Failure(f"Maven copied no jar for {name}.", log=log)

    return make
