"""How a measured process is told what to do, and tells what it measured.

Its only argument is a JSON file. What it prints are lines `@cdc-features {json}`, as jobs print them; the command hears
`started`, `measured` and `failed`.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery


def main(measure: Callable[[dict[str, Any]], dict[str, float]]) -> None:
    """Tells what `measure` makes of the settings, or why it failed, and then exits with 1."""
    try:
        settings: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
        _tell("measured", **measure(settings))
    except Exception as error:
        told = {"type": type(error).__name__, "message": str(error), "traceback": traceback.format_exc()}
        _tell("failed", error=told)
        sys.exit(1)


def started(spark: SparkSession) -> None:
    _tell("started", pid=os.getpid(), application_id=spark.sparkContext.applicationId)


def _tell(event: str, **values: Any) -> None:
    print("\n@cdc-features " + json.dumps({"event": event, **values}), flush=True)


def follow(query: StreamingQuery, stop_file: str) -> dict[str, float]:
    """Waits until the query ends, or ends it when the stop file is there; records and seconds of its batches with
    records, as Spark's progress tells them."""
    batches: dict[int, tuple[int, float]] = {}
    while query.isActive:
        query.awaitTermination(0.2)
        _note(query, batches)
        if Path(stop_file).exists():
            query.stop()
    query.awaitTermination()
    _note(query, batches)
    return {
        "records": sum(records for records, _ in batches.values()),
        "seconds": sum(seconds for _, seconds in batches.values()),
        "batches": len(batches),
    }


def _note(query: StreamingQuery, batches: dict[int, tuple[int, float]]) -> None:
    for progress in query.recentProgress:
        if progress["numInputRows"]:
            batches[progress["batchId"]] = (progress["numInputRows"], progress["batchDuration"] / 1000)
