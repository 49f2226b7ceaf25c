"""What a micro-batch costs when it touches an entity with very many rows in one window.

    python benchmarks/hot_entity.py WINDOW HOT_ROWS      # e.g. "30 days" 1000000; "1 day" for a fold per tile

Batch 0 puts 200,000 rows over 20,000 entities and HOT_ROWS rows of one entity into the state; twelve batches of 2,000
rows follow, 20 of them the hot entity's. The job's own fold and aggregates, RocksDB, local[2], result dropped. Prints
one line of JSON: milliseconds of batch 0, and median and maximum of the later ones. Run it with the Python of the
Spark venv (`npx tsx tests/support/python.ts` prints where), `spark-jobs` on PYTHONPATH.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

import customer_features
from cdc_features import features, state, windows

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
    row = f"named_struct('key', key, 'version', {version}, 'gone', false, 'values', {values}) AS row"
    log = spark.readStream.schema("entity bigint, event_time timestamp, key bigint").option("maxFilesPerTrigger", 1)
    changed = (
        log.parquet(str(folder))
        .selectExpr("entity", "event_time", row)
        .withWatermark("event_time", "60 days")
        .groupBy("entity", windows.tumbling("event_time", window))
        .agg(state.row_versions())
        .transform(state.live_rows)
        .transform(features.aggregate(customer_features.FEATURE_SET))
    )
    query = (
        changed.writeStream.outputMode("update")
        .option("checkpointLocation", str(checkpoint))
        .foreachBatch(lambda rows, _: rows.write.format("noop").mode("overwrite").save())
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    return [progress["batchDuration"] for progress in query.recentProgress if progress["numInputRows"]]


def main(window: str, hot_rows: int) -> None:
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.memory": "3g",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "10000",
        "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
        "spark.sql.streaming.stateStore.providerClass": (
            "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
        ),
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
