"""Golden tests: a job's own code over given records, with files in Kafka's place, and Parquet alone to write to.

Each case has a folder with a log, a checkpoint and an offline store of its own. Its micro-batches are computed one by
one, each as of its own moment; then all is aged to the moment that the case asks about, and the rows are told.
"""

import dataclasses
import importlib.util
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from cdc_features.batch_writer import BatchWriter
from cdc_features.checkpoint import Batch, Checkpoint, Offsets
from cdc_features.failure import describe
from cdc_features.feature_set import FeatureSet
from cdc_features.features import finish, micros
from cdc_features.history import newest_rows
from cdc_features.offline import OfflineStore
from cdc_features.online import entity_text, expired_start, text
from cdc_features.progress import emit
from cdc_features.refresh import refresh
from cdc_features.settings import GoldenCase, GoldenSettings, Redis, Settings
from cdc_features.sinks import Target

_TOPIC = "golden"
_RECORDS = "key string, value string, offset bigint, timestamp_ms bigint"

Rows = list[dict[str, Any]]


class FileCheckpoint(Checkpoint):
    """The checkpoint of a query over files: a batch is a file, and `ends` says at which offset of partition 0 each
    ends. Without, they end at their numbers."""

    def __init__(self, spark: SparkSession, location: str, ends: Sequence[int] | None = None) -> None:
        super().__init__(spark, location)
        self._ends = ends

    def _first(self) -> Offsets:
        return {_TOPIC: {"0": 0}}

    def _offsets(self, recorded: Any) -> Offsets:
        file = recorded["logOffset"]
        return {_TOPIC: {"0": file + 1 if self._ends is None else self._ends[file]}}


def run(spark: SparkSession, tests: GoldenSettings) -> None:
    """Emits an event `case` for each case, in the order in which they are done, and `tested` behind them."""
    jobs = {case.job: _load(case.job) for case in tests.cases}
    with ThreadPoolExecutor(tests.parallel) as pool:
        running = [pool.submit(_told, spark, number, case, jobs[case.job]) for number, case in enumerate(tests.cases)]
        for done in as_completed(running):
            emit("case", **done.result())
            if Path(tests.stop_file).exists():
                pool.shutdown(cancel_futures=True)
                return
    emit("tested")


def _load(path: str) -> Any:
    """A rendered job as a module, which runs nothing by itself."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _told(spark: SparkSession, number: int, case: GoldenCase, job: Any) -> dict[str, Any]:
    started = time.monotonic()
    outcome: dict[str, Any] = {"rows": [], "error": None}
    try:
        outcome["rows"] = compute(spark, case, job)
    except Exception as error:
        outcome["error"] = describe(error)
    return {"number": number, "seconds": round(time.monotonic() - started, 3), **outcome}


def compute(spark: SparkSession, case: GoldenCase, job: Any) -> Rows:
    """The newest row of each entity and window that has rows, as of the case's moment; `served`: an entity's own."""
    # What features come to, whether they may be served or not.
    feature_set: FeatureSet = dataclasses.replace(job.FEATURE_SET, validation=())
    settings, folder = _settings(case), f"{case.folder}/log"
    checkpoint = FileCheckpoint(spark, settings.checkpoint, [batch.end for batch in case.batches])
    store = OfflineStore(spark, settings.offline_root, feature_set)

    def replay(batch: Batch) -> DataFrame:
        read = spark.read.schema(_RECORDS).json(folder).where(f"offset < {batch.version}")
        return job.build(_as_kafka(read))  # type: ignore[no-any-return]

    writer = _WriterAsOf(case, feature_set, settings, checkpoint, store, replay)
    # A file is a batch; the source takes them in order of their modification.
    log = spark.readStream.schema(_RECORDS).option("maxFilesPerTrigger", 1).json(folder)
    query = job.build(_as_kafka(log)).writeStream.outputMode("update").foreachBatch(writer)
    query.option("checkpointLocation", settings.checkpoint).trigger(availableNow=True).start().awaitTermination()
    last = checkpoint.last_committed()
    if last is None:
        return []
    as_of = _time(case.as_of_ms)
    refresh(spark, feature_set, store, settings, last, as_of, also_unchanged=True)
    if not store.has_history():
        return []
    batches = newest_rows(spark, feature_set, store).where("NOT is_deleted").toArrow().to_batches()
    if not feature_set.as_of_now:
        # Those the refresh ages in Redis only, by the same means.
        batches = list(map(finish(feature_set, as_of), batches))
    rows = [row for batch in batches for row in batch.to_pylist()]
    return _told_rows(feature_set, rows, expired_start(feature_set, last.watermark_ms))


class _WriterAsOf(BatchWriter):
    """Computes each batch as of the moment that the case gives it."""

    def __init__(self, case: GoldenCase, *parts: Any) -> None:
        super().__init__(*parts)
        self._moments = {batch.end: _time(batch.as_of_ms) for batch in case.batches}

    def _target(self, batch: Batch) -> Target:
        return dataclasses.replace(super()._target(batch), now=self._moments[batch.version])


def _settings(case: GoldenCase) -> Settings:
    return Settings(
        run_id="",
        kafka="",
        kafka_options={},
        topic_prefix="",
        redis=Redis(""),
        offline_root=f"{case.folder}/offline",
        checkpoint=f"{case.folder}/checkpoint",
        sink="parquet",
        continuous=False,
        trigger_interval="",
        max_batch_records=0,
        mode="micro-batch",
        features_topic=None,
        realtime_batch="",
        nothing_to_read=False,
        on_fail="fail",
        backfill=None,
        stop_file="",
        dead_letters="",
        report=None,
        plan=None,
    )


def _as_kafka(records: DataFrame) -> DataFrame:
    return records.selectExpr(
        "CAST(key AS BINARY) AS key",
        "CAST(value AS BINARY) AS value",
        f"'{_TOPIC}' AS topic",
        "0 AS partition",
        "offset",
        "timestamp_millis(timestamp_ms) AS timestamp",
    )


def _told_rows(feature_set: FeatureSet, rows: Rows, expired: int) -> Rows:
    """Values as the online store writes them. An entity's own row is that of its latest kept window."""
    names = [feature.name for feature in feature_set.features]
    told: Rows = []
    own: dict[str, tuple[datetime, dict[str, Any]]] = {}
    for row in rows:
        entity = entity_text([row[name] for name in feature_set.entity])
        places = ("window_start", "window_end", "event_timestamp")
        one: dict[str, Any] = {
            "entity": entity,
            **{name: _text(row[name]) for name in places},
            "features": {name: _text(row[name]) for name in names},
            "served": feature_set.as_of_now,
        }
        told.append(one)
        start = row["window_start"]
        if not feature_set.as_of_now and micros(start) > expired * 1_000_000:
            own[entity] = max(own.get(entity, (start, one)), (start, one), key=lambda window: window[0])
    for _, one in own.values():
        one["served"] = True
    return told


def _text(value: Any) -> str | None:
    return None if value is None else text(value)


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, timezone.utc)
