"""Runs the job over a file log on Spark's local cluster, whose executors are JVMs of their own, with speculation.

python on_executors.py FOLDER REDIS_URL ROOT
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import pyspark
from pyspark.sql import SparkSession

from cdc_features import job
from cdc_features.golden import FileCheckpoint
from cdc_features.session import LIBRARY, open_session

from chain import Chain, NoDeadLetters


def main(folder: Path, redis_url: str, root: str) -> None:
    (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.ui.enabled", "false")
        .config("spark.jars", str(LIBRARY))
        .config("spark.executor.memory", "512m")
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .config("spark.executor.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .config("spark.speculation", "true")
        .config("spark.speculation.quantile", "0")
        .config("spark.speculation.multiplier", "1.01")
        .config("spark.speculation.interval", "10ms")
        .config("spark.speculation.minTaskRuntime", "0ms")
        .getOrCreate()
    )
    spark = open_session("on executors")
    job.Checkpoint, job.DeadLetters = FileCheckpoint, NoDeadLetters  # type: ignore[misc, assignment]
    chain = Chain(spark, folder, redis_url, capsys=None)
    job.change_log = chain.records
    settings = type(chain.settings)(
        **{**vars(chain.settings), "offline_root": f"{root}/offline", "checkpoint": f"{root}/state/checkpoint"}
    )
    context: Any = spark.sparkContext._jsc
    try:
        job.Job(spark, chain.feature_set, settings, chain.build).run()
        print(f"executors: {context.sc().getExecutorMemoryStatus().size() - 1}")
    finally:
        name = spark.sparkContext.applicationId
        spark.stop()
        # The executors of a local cluster work in Spark's own folder.
        shutil.rmtree(Path(pyspark.__file__).parent / "work" / name, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
