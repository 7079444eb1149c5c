"""The commands of the README, so that tests can run what it says."""

import re
import shlex
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def readme_commands() -> list[list[str]]:
    """Every command of the shell blocks and of the table of promises, as words."""
    text = README.read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    lines += re.findall(r"\| `(\./cryptoviz [^`]+)` \|", text)
    return [shlex.split(line, comments=True) for line in lines]
