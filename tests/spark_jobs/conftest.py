"""One Spark session for all tests of this folder, configured as `./cryptoviz up` configures it."""

import sys
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from stack.console import StepBoard
from stack.parts.table import SPARK_JARS
from stack.spark.conf import spark_conf


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    with StepBoard() as board:
        jars = SPARK_JARS.ensure(board.step("get Spark's jars"))
    home = tmp_path_factory.mktemp("spark")
    builder = SparkSession.builder
    for name, setting in spark_conf(
        jars=jars, home=home, scratch=home / "scratch", driver_mb=1024
    ).items():
        builder = builder.config(name, setting)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYSPARK_PYTHON", sys.executable)
        environment.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        session = builder.getOrCreate()
        yield session
        session.stop()
