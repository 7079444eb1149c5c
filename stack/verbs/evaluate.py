"""`evaluate`: quality, measured by `batch.evaluations` on files. Needs no running platform."""

import os
import sys
from collections.abc import Sequence

COMMAND = (sys.executable, "-P", "-m", "batch.evaluations")


def evaluate(arguments: Sequence[str]) -> None:
    """Become the evaluation, which takes this terminal over; files count from where one stands."""
    os.execv(COMMAND[0], (*COMMAND, *arguments))  # noqa: S606 - our own command
