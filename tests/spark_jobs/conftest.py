"""One Spark session for all tests of this folder, with the jars that `./cryptoviz up` uses."""

import os
import sys
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    jars = "/tmp/sj/all"
    builder = SparkSession.builder.master("local[2]").config(
        "spark.jars", ",".join(f"{jars}/{n}" for n in os.listdir(jars))
    )
    for k, v in {
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
    }.items():
        builder = builder.config(k, v)
    session = builder.getOrCreate()
    yield session
    session.stop()
