"""What the failure of a query says: the line that tells it, and whether its checkpoint is damaged.

Pure; Spark gives text. Spark finds damage by checksums and by ids of state, and stops the query
before it writes. It repairs nothing: see "Damaged checkpoints" in docs/runbook.md.
"""

import re
from pathlib import Path

# Said of a checkpoint's files and of nothing else.
DAMAGED = (
    "[CANNOT_LOAD_STATE_STORE.",
    "[CHECKPOINT_FILE_CHECKSUM_VERIFICATION_FAILED]",
    "[STATE_STORE_CHECKPOINT_LOCATION_NOT_EMPTY]",
    "[STDS_FAILED_TO_READ_OPERATOR_METADATA]",
    "Incomplete log file",
    "streaming.runtime.StreamMetadata$.read(",
)
# With these the files may well be whole: moving them away would help nobody.
MACHINE = (
    "No space left on device",
    "Too many open files",
    "OUT_OF_MEMORY",
    "OutOfMemoryError",
    "UNRELEASED_THREAD_ERROR",
)
# Below it Spark prints the plan.
PLAN = "=== Streaming Query ==="
LONGEST = 500

# The query itself met JSON that breaks off: a log of the checkpoint whose checksum is gone too.
_BROKEN_JSON = re.compile(r"[^\[\n]+\n at \[Source: ")
_CAUSE = re.compile(r"^(?:Caused by: |: )?((?:\w+\.)+[\w$]+: .+)$", re.MULTILINE)


def reason_of(failure: str) -> str:
    """The line that says what to do: our own error's, else the innermost cause, else the first."""
    said = failure.split(PLAN, 1)[0]
    lines = said.split("\n")
    ours = (line for line in lines if line.startswith("market.errors."))
    innermost = next(reversed(_CAUSE.findall(said)), lines[0])
    return next(ours, innermost)[:LONGEST]


def is_damage(failure: str, checkpoint: Path) -> bool:
    """Whether the query cannot go on because files of its checkpoint are damaged or missing."""
    if any(sign in failure for sign in MACHINE):
        return False
    signs = (*DAMAGED, f"Checksum error: file:{checkpoint}/")
    return any(sign in failure for sign in signs) or _BROKEN_JSON.match(failure) is not None
