"""The recipe for a source works: it is followed here in a copy of the code."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ROOT / "docs" / "adding-things.md"
BLOCK = re.compile(r"```python (\S+)\n(.*?)```", re.DOTALL)


def blocks() -> dict[str, str]:
    """By path what the recipe writes there."""
    return dict(BLOCK.findall(RECIPES.read_text("utf-8")))


def insert(path: Path, before: str, addition: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(before) == 1, f"{before!r} is not once in {path.name}"
    path.write_text(text.replace(before, addition + before), "utf-8")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The code that a source is part of, with the recipe followed."""
    unwanted = shutil.ignore_patterns("__pycache__", ".*_cache")
    for folder in ("agents", "market", "schemas", "tests/agents"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=unwanted)
    shutil.copy(ROOT / "tests" / "__init__.py", tmp_path / "tests")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, text in blocks().items():
        path = tmp_path / name
        if name == "agents/sources/__init__.py":
            line, _, told = text.partition("  # and ")
            insert(path, "\nSOURCES: dict", f"{line}\n")
            insert(path, "        Rss,\n", f"        {told.split()[0]},\n")
        elif name == "agents/settings.py":
            insert(path, "    connect_timeout_s: ", text)
        else:
            assert not path.exists()
            path.write_text(text, "utf-8")
    return tmp_path


def in_copy(copied: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(copied), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=copied,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_toy_source_of_the_recipe_passes_its_own_and_the_conformance_tests(copied: Path):
    chosen = ("tests/agents/test_sources.py", "tests/agents/sources/test_toy_prices.py")
    ran = in_copy(copied, "pytest", "-q", "-p", "no:cacheprovider", "-k", "toy_prices", *chosen)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    passed = re.search(r"(\d+) passed", ran.stdout)
    # Its own test and each conformance test that is asked of every source.
    assert passed is not None
    assert int(passed[1]) >= 6


def test_the_code_of_the_copy_is_what_ran(copied: Path):
    ran = in_copy(
        copied,
        "timeit",
        "-n1",
        "-r1",
        "from agents.sources import SOURCES; import agents; "
        f"assert agents.__file__.startswith({str(copied)!r}), agents.__file__; "
        "assert SOURCES['toy_prices'].name == 'toy_prices'",
    )
    assert ran.returncode == 0, ran.stderr


def test_the_toy_source_is_in_our_style(copied: Path):
    files = [name for name in blocks() if "toy_prices" in name]
    for check in (["check"], ["format", "--check"]):
        ran = in_copy(copied, "ruff", *check, *files)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_an_agent_that_is_not_known_lists_the_toy_source_too(copied: Path):
    ran = in_copy(copied, "agents", "nope")
    assert ran.returncode == 2
    assert "toy_prices" in ran.stderr
