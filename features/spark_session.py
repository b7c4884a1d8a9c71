"""A Spark session: the one that is there already, or a small local one of our own.

On a cluster, a notebook or `spark-submit` has made the session and its settings are left alone. Else
Spark runs inside this machine: it listens to nobody but itself, shows no page, sends nothing, keeps what
it spills in the workspace and is stopped at the end.
"""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import UserMistake
from features.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NO_PYSPARK = "pyspark is not installed: `pip install '.[spark]'` in the folder of this program"
NO_CONNECT = "unset SPARK_REMOTE, and start the command with `spark-submit` where the cluster is"
NO_JAVA = "there is no Java: install version 17 or newer, or let JAVA_HOME name its folder"


@contextmanager
def spark_session(workspace: Workspace) -> Iterator[SparkSession]:
    """The session at hand, or a local one with the workspace's threads while the context lasts.

    Raises UserMistake naming all that is missing: pyspark, Java, or one that Spark can run on.
    """
    if "SPARK_REMOTE" in os.environ:
        raise UserMistake("The engine `spark` cannot work through Spark Connect.", problems=[NO_CONNECT])
    if find_spec("pyspark") is not None:
        from pyspark.sql import SparkSession

        there = SparkSession.getActiveSession()
        if there is None and "PYSPARK_GATEWAY_PORT" in os.environ:
            there = SparkSession.builder.getOrCreate()
        if there is not None:
            yield there
            return
    if missing := missing_for_spark():
        raise UserMistake("The engine `spark` cannot be used here.", problems=missing)
    session = _local(workspace)
    try:
        yield session
    finally:
        session.stop()


def missing_for_spark() -> list[str]:
    """What a local session lacks, as sentences; empty where there is nothing."""
    java = Path(os.environ.get("JAVA_HOME", ""), "bin", "java").is_file() or shutil.which("java")
    pyspark = find_spec("pyspark")
    return [said for there, said in ((pyspark, NO_PYSPARK), (java, NO_JAVA)) if not there]


def local_settings(spill: Path, threads: int) -> dict[str, str]:
    """The settings of a local session."""
    # All that Java does here is to carry bytes: its second compiler and its threads would cost more
    # than they bring, and half of the time it takes to start.
    java = f'-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData "-Djava.io.tmpdir={spill}"'
    return {
        "spark.master": f"local[{threads}]",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraJavaOptions": java,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "OFF",  # an error reaches us all the same, and its text may hold a person's data
        "spark.local.dir": str(spill),
        "spark.sql.warehouse.dir": str(spill / "warehouse"),
        "spark.sql.shuffle.partitions": str(2 * threads),
    }


def _local(workspace: Workspace) -> SparkSession:
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    spill = (workspace.data / ".spill").resolve()
    spill.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    builder = SparkSession.builder.appName("earlyhelp")
    for name, value in local_settings(spill, workspace.settings.threads).items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except PySparkRuntimeError:
        raise UserMistake(
            "Java ended before Spark had started; why, it has said above.",
            problems=["Spark needs Java 17 or newer: `java -version` says which is there"],
        ) from None
