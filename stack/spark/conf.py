"""Spark's configuration on one machine, as a properties file for spark-submit.

The number of shuffle partitions and the state format are fixed for the life of a checkpoint.
"""

from collections.abc import Mapping
from pathlib import Path

from stack.home import write_whole

SHUFFLE_PARTITIONS = 2
# Tasks at once on two cores: history that `bars` and `archive` work through for half a minute after
# a first start must not hold all slots, or live prices stand still as long.
SLOTS = 4
CHECKPOINT_FORMAT = 2
ROCKSDB_MB = 128
BARE_LOCAL_FS = "hadoop-bare-naked-local-fs"
STATE = "spark.sql.streaming.stateStore"
# Avro's fast reader caches one reader a schema object and never lets go; Spark parses the schema
# anew in every task. A minute of the demo left 1.2 million objects and only full collections.
AVRO_WITHOUT_LEAK = "-Dorg.apache.avro.fastread=false"


def spark_conf(*, jars: Path, home: Path, scratch: Path, driver_mb: int) -> dict[str, str]:
    """Properties of a driver with `driver_mb` of heap; `scratch` may be deleted when it is gone."""
    names = sorted(jars.glob("*.jar"))
    bare_fs = next(str(jar) for jar in names if jar.name.startswith(BARE_LOCAL_FS))
    return {
        "spark.master": f"local[{SLOTS}]",
        "spark.driver.memory": f"{driver_mb}m",
        "spark.driver.extraJavaOptions": " ".join((*_heap(driver_mb), AVRO_WITHOUT_LEAK)),
        "spark.executor.extraJavaOptions": AVRO_WITHOUT_LEAK,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.jars": ",".join(str(jar) for jar in names),
        # On the class path of the JVM itself: checkpoint files are opened before spark.jars count.
        "spark.driver.extraClassPath": bare_fs,
        "spark.hadoop.fs.file.impl": "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem",
        "spark.sql.streaming.checkpointFileManagerClass": "org.apache.spark.sql.execution"
        ".streaming.checkpointing.FileSystemBasedCheckpointFileManager",
        f"{STATE}.providerClass": "org.apache.spark.sql.execution.streaming.state"
        ".RocksDBStateStoreProvider",
        f"{STATE}.checkpointFormatVersion": str(CHECKPOINT_FORMAT),
        f"{STATE}.rocksdb.changelogCheckpointing.enabled": "true",
        f"{STATE}.rocksdb.boundedMemoryUsage": "true",
        f"{STATE}.rocksdb.maxMemoryUsageMB": str(ROCKSDB_MB),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        # Delta's default forks chmod and readlink ten times a commit, this one never.
        "spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore",
        # Tasks that read Delta's log; the default of 50 is for tables of millions of files.
        "spark.databricks.delta.snapshotPartitions": "1",
        # Tasks that list folders, and Delta's vacuum makes all of them: the default is 10,000.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
        "spark.sql.shuffle.partitions": str(SHUFFLE_PARTITIONS),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.warehouse.dir": str(home / "checkpoints" / "warehouse"),
        "spark.local.dir": str(scratch),
        "spark.ui.enabled": "false",
        # Kept for a page that is not shown; a plan is some 100 kB, a thousand of them the heap.
        "spark.ui.retainedJobs": "20",
        "spark.ui.retainedStages": "20",
        "spark.ui.retainedTasks": "200",
        "spark.sql.ui.retainedExecutions": "5",
        # The default of 100 is less than what eight queries hold: they threw each other's code out,
        # compiled 14 classes a second anew and ran in the interpreter for good.
        "spark.sql.codegen.cache.maxEntries": "1000",
        # Job pulse looks every 15 s for the batches of 30 triggers, and may come late.
        "spark.sql.streaming.numRecentProgressUpdates": "60",
        "spark.sql.maxPlanStringLength": "10000",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "WARN",
    }


def _heap(driver_mb: int) -> tuple[str, ...]:
    """All of the heap from the start, two fifths of it for what a micro-batch leaves.

    Left to grow, it stayed at 600 of 1,024 MB over 200 MB of live objects and was collected whole
    every minute, at over a second each time. What is claimed at once cannot be missing at night.
    """
    young_mb = driver_mb * 2 // 5
    return ("-XX:+UseSerialGC", f"-Xms{driver_mb}m", f"-Xmn{young_mb}m", "-XX:+AlwaysPreTouch")


def write_properties(path: Path, conf: Mapping[str, str]) -> None:
    """The file for `spark-submit --properties-file`."""
    write_whole(path, "".join(f"{name} {setting}\n" for name, setting in sorted(conf.items())))
