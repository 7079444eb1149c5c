"""What is read out of the text of a failure. What Spark says: test_damaged_checkpoints.py."""

from pathlib import Path

import pytest

from spark_jobs.failures import is_damage, reason_of

FOLDER = Path("/home/checkpoints/bars-v1")
CHECKSUM = f"Checksum error: file:{FOLDER}/commits/4 at 0 exp: 1 got: 2"
STATE = "[CANNOT_LOAD_STATE_STORE.UNCATEGORIZED] An error occurred during loading state."


def test_the_reason_of_a_failure_is_our_own_error_where_a_worker_raised_one():
    trace = (
        "[STREAM_FAILED] Query terminated: PythonException: Traceback (most recent call last):\n"
        '  File "x.py", line 1\nmarket.errors.Fatal: raise the `version`\n\tat org.apache'
    )
    assert reason_of(trace) == "market.errors.Fatal: raise the `version`"
    assert reason_of("no store\nand a long trace") == "no store"


def test_the_reason_of_a_failed_task_is_its_innermost_cause():
    trace = (
        "[STREAM_FAILED] Query terminated: [FOREACH_BATCH_USER_FUNCTION_ERROR] Traceback:\n"
        "py4j.protocol.Py4JJavaError: An error occurred while calling o1.collectToPython.\n"
        ": org.apache.spark.SparkException: Job aborted\n\tat org.apache.spark.A.b(A.scala:1)\n"
        "Caused by: java.io.IOException: Stream is corrupted\n\t... 3 more\n"
        "=== Streaming Query ===\na.b.C: the plan"
    )
    assert reason_of(trace) == "java.io.IOException: Stream is corrupted"


@pytest.mark.parametrize("failure", [CHECKSUM, STATE, "Incomplete log file in the commit log"])
def test_damage_is_told(failure: str):
    assert is_damage(f"[STREAM_FAILED] Query\n{failure}", FOLDER)


@pytest.mark.parametrize(
    "failure",
    [
        "market.errors.StoreUnavailable: down",
        "Option.get() is null",
        CHECKSUM.replace("bars-v1", "bars-v10"),
        f"{STATE}\nCaused by: java.io.IOException: No space left on device",
        STATE.replace("UNCATEGORIZED", "ROCKSDB_STORE_PROVIDER_OUT_OF_MEMORY"),
    ],
)
def test_what_is_not_the_checkpoints_fault_is_not_called_damage(failure: str):
    assert not is_damage(failure, FOLDER)
