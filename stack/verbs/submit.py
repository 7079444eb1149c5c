"""`submit JOB`: one job file by spark-submit, against the running platform's home.

It has checkpoints of its own beside those of the platform's driver, because two drivers on one
checkpoint refuse each other. Both write the same points, so running it twice changes nothing; rows
of the archive have no such identity, so a job alone has an archive of its own, too.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from market.settings import ENV_PREFIX
from spark_jobs import JOBS
from stack.environment import held_access
from stack.failure import EXIT_USAGE, Failure
from stack.home import ActiveRun, Home
from stack.parts.table import SPARK_JARS
from stack.platform import Platform
from stack.processes.spark import JOBS_FOLDER
from stack.settings import StackSettings

DRIVER = "driver"
CHECKPOINTS = "checkpoints/submitted"
ARCHIVE = "archive-submitted"


def submit(settings: StackSettings, job: str, options: Sequence[str]) -> None:
    """Become spark-submit. Raises Failure for an unknown job or when nothing runs."""
    known = (DRIVER, *JOBS)
    if job not in known:
        raise Failure(f"Unknown job {job}.", fix=f"Jobs: {', '.join(known)}.", exit_code=EXIT_USAGE)
    run = ActiveRun.read(settings.home_root)
    if run is None or not run.is_alive():
        raise Failure(
            "Nothing is running, so the job would find neither Kafka nor InfluxDB.",
            fix="Start the platform in another terminal with `./cryptoviz up`.",
        )
    if (fault := SPARK_JARS.fault()) is not None:
        raise Failure(f"Spark's jars: {fault}.", fix="`./cryptoviz up` fetches them.")
    home = Home(Path(run.home))
    access = held_access(settings, home, is_demo=run.scenario is not None)
    command = Platform(settings, home, run.scenario).job(
        JOBS_FOLDER / f"{job}.py", access, name=f"submit-{job}", options=tuple(options)
    )
    own = {
        ENV_PREFIX + "SPARK_CHECKPOINTS": CHECKPOINTS,
        ENV_PREFIX + "ARCHIVE_FOLDER": ARCHIVE,
    }
    os.execvpe(  # noqa: S606 - spark-submit takes this terminal over, Ctrl-C included
        command.argv[0], command.argv, {**os.environ, **command.env, **own}
    )
