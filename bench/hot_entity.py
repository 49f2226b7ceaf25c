"""What a micro-batch costs when it touches an entity with very many rows in one window.

    python bench/hot_entity.py WINDOW HOT_ROWS      # e.g. "30 days" 1000000; "1 day" for a fold per tile

Batch 0 puts 200,000 rows over 20,000 entities and HOT_ROWS rows of one entity into the state; twelve batches of 2,000
rows follow, 20 of them the hot entity's. The job's own fold and aggregates, RocksDB, local[2], result dropped. Prints
one line of JSON: milliseconds of batch 0, and median and maximum of the later ones. Run it with the Python of the
Spark venv (`npx tsx tests/support/python.ts` prints where), `spark-jobs` on PYTHONPATH.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

import customer_features
from cdc_features import features, state, windows
from cdc_features.checkpoint import Batch
from cdc_features.session import SETTINGS

ENTITIES, ROWS, BATCHES, BATCH_ROWS, BATCH_HOT_ROWS = 20_000, 200_000, 12, 2_000, 20
NOVEMBER, SECONDS = 1_793_664_000, 2_592_000  # a 30-day window


def changes(spark: SparkSession, first: int, rows: int, hot: int) -> DataFrame:
    """`rows` inserts with keys from `first` on, the first `hot` of them the hot entity's."""
    return spark.range(first, first + rows).selectExpr(
        f"CASE WHEN id < {first + hot} THEN 0L ELSE 1L + pmod(hash(id), {ENTITIES}) END AS entity",
        f"timestamp_seconds({NOVEMBER} + pmod(xxhash64(id), {SECONDS})) AS event_time",
        "id AS key",
    )


def write_input(spark: SparkSession, folder: Path, hot_rows: int) -> None:
    """One file per batch, in order of their times."""
    sizes = [(0, ROWS + hot_rows, hot_rows)]
    sizes += [(10_000_000 * batch, BATCH_ROWS, BATCH_HOT_ROWS) for batch in range(1, BATCHES + 1)]
    folder.mkdir()
    for number, (first, rows, hot) in enumerate(sizes):
        made = folder.with_name(f"made-{number}")
        changes(spark, first, rows, hot).coalesce(1).write.parquet(str(made))
        next(made.glob("*.parquet")).rename(folder / f"{number:03d}.parquet")


def durations(spark: SparkSession, folder: Path, checkpoint: Path, window: str) -> list[int]:
    version = "named_struct('commit_lsn', key, 'lsn', key, 'rank', 1)"
    values = "named_struct('created_at', event_time, 'total_amount', CAST(pmod(key, 1000) AS DECIMAL(12, 2)))"
    at = "named_struct('partition', 0, 'offset', key, 'home', unix_micros(event_time))"
    row = f"""named_struct('key', named_struct('order_id', key), 'version', {version}, 'gone', false,
        'values', {values}, 'at', {at}) AS row"""
    log = spark.readStream.schema("entity bigint, event_time timestamp, key bigint").option("maxFilesPerTrigger", 1)
    groups = (
        log.parquet(str(folder))
        .selectExpr("named_struct('customer_id', entity) AS entity", "event_time", row)
        .withWatermark("event_time", "60 days")
        .groupBy("entity", windows.tumbling("event_time", window))
        .agg(state.row_versions())
    )
    feature_set = customer_features.FEATURE_SET
    complete = features.finish(feature_set, datetime.fromtimestamp(NOVEMBER + SECONDS, timezone.utc))

    def finished(some: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in some:
            yield complete(batch.append_column("batch_id", pa.repeat(pa.scalar(1, pa.int64()), batch.num_rows)))

    def work(changed: DataFrame, number: int) -> None:
        batch = Batch(number, {}, {}, 0)
        rows = changed.transform(state.live_rows(feature_set, batch, None))
        rows.mapInArrow(finished, from_arrow_schema(features.row_schema(feature_set))).write.format("noop").mode(
            "overwrite"
        ).save()

    query = (
        groups.writeStream.outputMode("update")
        .option("checkpointLocation", str(checkpoint))
        .foreachBatch(work)
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    return [progress["batchDuration"] for progress in query.recentProgress if progress["numInputRows"]]


def main(window: str, hot_rows: int) -> None:
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.memory": "3g",
        **SETTINGS,
    }
    spark = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "log"
        write_input(spark, folder, hot_rows)
        first, *later = durations(spark, folder, Path(scratch) / "checkpoint", window)
    # The first later ones still warm the JVM up.
    result = {"first_ms": first, "later_ms_median": statistics.median(later[2:]), "later_ms_max": max(later[2:])}
    print(json.dumps({"window": window, "hot_rows": hot_rows, **result}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
