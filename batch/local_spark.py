"""A Spark session of this computer alone: no Kafka, no jars of ours, nothing left behind."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

from market.errors import Fatal

CONF = {
    "spark.master": "local[2]",
    "spark.driver.memory": "1g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
# Compiling well costs a session that lives for seconds more than it gains: a million trades took
# 15 s of CPU instead of 27 s, start included.
JAVA = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
# Warnings of a session that lives for seconds are about somebody else's cluster.
LOGGING = """
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{HH:mm:ss} %p %c: %m%n
"""


@contextmanager
def local_spark() -> Iterator[tuple[SparkSession, Path]]:
    """The session and a folder for its files; both are gone afterwards."""
    home = os.environ.get("JAVA_HOME")
    if not (home and (Path(home) / "bin" / "java").exists()) and shutil.which("java") is None:
        raise Fatal("Spark needs Java. `./cryptoviz doctor` names the line that installs it.")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    # Cores run in Python workers, which must find what this process finds.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with tempfile.TemporaryDirectory(prefix="cryptoviz-") as folder:
        builder = SparkSession.builder.appName("evaluate").config("spark.local.dir", folder)
        for name, setting in CONF.items():
            builder = builder.config(name, setting)
        logging = Path(folder) / "log4j2.properties"
        logging.write_text(LOGGING, "utf-8")
        java = f"{JAVA} -Dlog4j2.configurationFile={logging}"
        builder = builder.config("spark.driver.extraJavaOptions", java)
        session = builder.config("spark.sql.warehouse.dir", folder).getOrCreate()
        try:
            yield session, Path(folder)
        finally:
            session.stop()
