"""Runs the job over a file log in a process of its own, which kills itself (SIGKILL) at a named point.

python crash.py FOLDER REDIS_URL POINT
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from pyspark.sql import SparkSession

from cdc_features import batch_writer, job, servers
from cdc_features.batch_writer import BatchWriter
from cdc_features.files import LocalFiles
from cdc_features.golden import FileCheckpoint
from cdc_features.offline import OfflineStore
from cdc_features.session import LIBRARY, share_library

from chain import Chain, NoDeadLetters
from conftest import SETTINGS


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_jvm(*_: object, **__: object) -> None:
    jvm: Any = SparkSession.active().sparkContext._jvm
    os.kill(jvm.java.lang.ProcessHandle.current().pid(), signal.SIGKILL)
    time.sleep(3600)


def after(call: Callable[..., Any]) -> Callable[..., Any]:
    def calling(*arguments: Any) -> None:
        call(*arguments)
        die()

    return calling


def set_pass(call: Callable[..., Any]) -> None:
    """Of many rows and of few."""
    for name in ("write", "write_here"):
        setattr(batch_writer, name, call)


def when_redis_changes(url: str) -> None:
    servers._ENTITIES_PER_CALL = 1
    client = redis.Redis.from_url(url)
    written = client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0)

    def watch() -> None:
        while client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0) == written:
            time.sleep(0.001)
        die()

    threading.Thread(target=watch, daemon=True).start()


def arm(point: str, redis_url: str) -> None:
    """In the order in which a batch and its run come to these points."""
    points: dict[str, Callable[[], None]] = {
        "before the pass": lambda: set_pass(die),
        "in the pass, Spark's JVM": lambda: set_pass(kill_jvm),
        "in the pass": lambda: when_redis_changes(redis_url),
        "between the stores": lambda: setattr(OfflineStore, "commit", die),
        "between the file and its manifest": lambda: setattr(LocalFiles, "write", die),
        "between the stores and Spark's commit": lambda: setattr(BatchWriter, "__call__", after(BatchWriter.__call__)),
        "before the refresh": lambda: setattr(job, "refresh", die),
    }
    points[point]()


def main(folder: Path, redis_url: str, point: str) -> None:
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.extraJavaOptions", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1")
        .config("spark.jars", str(LIBRARY))
        .config(map=SETTINGS)
        .getOrCreate()
    )
    share_library(spark)
    job.Checkpoint, job.DeadLetters = FileCheckpoint, NoDeadLetters  # type: ignore[misc, assignment]
    chain = Chain(spark, folder, redis_url, capsys=None)
    job.change_log = chain.records
    arm(point, redis_url)
    job.Job(spark, chain.feature_set, chain.settings, chain.build).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
