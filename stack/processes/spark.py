"""spark-submit out of the pyspark wheel, with the properties of `stack.spark.conf`."""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from stack.home import Home
from stack.processes.command import Command
from stack.settings import ROOT
from stack.spark.conf import spark_conf, write_properties

NAME = "spark"
JOBS_FOLDER = ROOT / "spark_jobs"


def spark_home() -> Path:
    """Folder of the wheel; found without importing it."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise RuntimeError("pyspark is not installed in this environment")
    return Path(spec.origin).parent


def scratch(home: Home, name: str) -> Path:
    """Spark's temporary files of one driver."""
    return home.run / f"scratch-{name}"


def spark_submit(
    script: Path,
    *,
    home: Home,
    jars: Path,
    driver_mb: int,
    env: Mapping[str, str],
    options: Sequence[str] = (),
    name: str = NAME,
) -> Command:
    """How a job file is submitted. `options` are spark-submit's own and win over the properties."""
    properties = home.run / f"{name}.properties"
    folder = scratch(home, name)
    folder.mkdir(parents=True, exist_ok=True)
    conf = spark_conf(jars=jars, home=home.path, scratch=folder, driver_mb=driver_mb)
    write_properties(properties, conf)
    wheel = spark_home()
    return Command(
        name=name,
        argv=(
            str(wheel / "bin" / "spark-submit"),
            *("--properties-file", str(properties)),
            *options,
            str(script),
        ),
        cwd=home.path,
        env={
            **env,
            "SPARK_HOME": str(wheel),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_DRIVER_PYTHON": sys.executable,
            "PYTHONUNBUFFERED": "1",
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        },
        stop_grace_s=30.0,
        stop_script=str(script),
    )
