"""Evaluations in the session that all tests of this process share: a second one would stop it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from batch.evaluations import anomalies, candles
from batch.evaluations.__main__ import command
from tests.spark_jobs.conftest import spark  # noqa: F401 - a fixture of these tests too

Evaluate = Callable[..., dict[str, Any]]


@pytest.fixture
def evaluate() -> Evaluate:
    """Runs `evaluate NAME ... --json` and reads what it prints; its errors are raised."""

    def run(*arguments: object) -> dict[str, Any]:
        ran = CliRunner().invoke(command(), [*map(str, arguments), "--json"])
        if ran.exception is not None:
            raise ran.exception
        return orjson.loads(ran.stdout)

    return run


@pytest.fixture
def shared_spark(
    spark: SparkSession,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Evaluations that need Spark take the tests' session."""

    @contextmanager
    def session() -> Iterator[tuple[SparkSession, Path]]:
        yield spark, tmp_path_factory.mktemp("evaluation")

    for module in (anomalies, candles):
        monkeypatch.setattr(module, "local_spark", session)
