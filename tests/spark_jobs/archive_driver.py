"""The `archive` job in a process of its own, hurried, for a test that kills it.

Arguments: the session's configuration as a JSON file, records a batch at most. Settings come from
the environment as for the shipped driver.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from pyspark.sql import SparkSession

from market.settings import read_settings
from spark_jobs import archive
from spark_jobs.settings import SparkSettings


def main() -> None:
    builder = SparkSession.builder
    for name, setting in json.loads(Path(sys.argv[1]).read_text("utf-8")).items():
        builder = builder.config(name, setting)
    archive.AT_MOST = int(sys.argv[2])
    archive.QUERIES = (replace(archive.QUERIES[0], trigger_ms=10),)
    running = archive.QUERIES[0].start(builder.getOrCreate(), read_settings(SparkSettings))
    running.processAllAvailable()


if __name__ == "__main__":
    main()
