"""The foreachBatch function: brings each micro-batch into the stores."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timezone
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdc_features.checkpoint import Batch, Checkpoint
from cdc_features.failure import describe
from cdc_features.feature_set import FeatureSet
from cdc_features.features import row_schema
from cdc_features.files import local_path
from cdc_features.finishing import completed
from cdc_features.history import rows_before
from cdc_features.offline import OfflineStore
from cdc_features.online import OnlineStoreError, empty_others, expired_start
from cdc_features.progress import Emit, emit
from cdc_features.references import Floats, References
from cdc_features.report import Example, Report, oldest
from cdc_features.settings import Settings
from cdc_features.sinks import (
    Target,
    check,
    check_here,
    few,
    finished_here,
    finished_values,
    write,
    write_here,
)
from cdc_features.state import forget_older, unfolded
from cdc_features.truncation import groups_after_truncate, in_order, newest_truncate
from cdc_features.windows import groups_of_a_row

_CONSOLE_ROWS = 1000
_FEW_RECORDS = 2000


class StopRequestedError(Exception):
    """Ends the query before a batch has written anything; the next run begins with that batch."""


class BatchWriter:
    """Called by Spark with each batch's changed groups, at least once per batch; writing twice changes nothing.

    `reports` maps Spark's batch ids to what was written, `newest_written` is the newest version of these, `failure`
    keeps the Python error that Spark wraps. Once `stopping` is set no further batch begins; `stopped` tells that one
    was turned away, which ends the query. `replay` gives the groups of all records up to a batch's end, for the rare
    case that the table was truncated.
    """

    def __init__(
        self,
        feature_set: FeatureSet,
        settings: Settings,
        checkpoint: Checkpoint,
        store: OfflineStore,
        replay: Callable[[Batch], DataFrame],
        emit: Emit = emit,
    ) -> None:
        self._feature_set = feature_set
        self._settings = settings
        self._checkpoint = checkpoint
        self._store = store
        self._replay = replay
        self._emit = emit
        self._references = References(feature_set, store)
        self._truncated = checkpoint.truncated()
        self.reports: dict[int, Report] = {}
        self.examples: list[Example] = []
        self.newest_written: int | None = None
        self._oldest_start: int | None = None
        self._days: set[date] = set()
        self.failure: Exception | None = None
        self.stopping = False
        self.stopped = False

    def __call__(self, groups: DataFrame, batch_id: int) -> None:
        if self.stopping:
            self.stopped = True
            raise StopRequestedError
        try:
            self._write(groups, batch_id)
        except Exception as error:
            self.failure = error
            raise

    def is_current(self, now: datetime, expired: int) -> bool:
        """Whether something was written, all as of this day (UTC), and none of its windows has ended; `expired` as
        a Target has it."""
        oldest_start = self._oldest_start
        return self._days == {now.date()} and oldest_start is not None and oldest_start // 1_000_000 > expired

    def _write(self, groups: DataFrame, batch_id: int) -> None:
        batch = self._checkpoint.batch(batch_id)
        if not batch.has_data:
            # Nothing to store, but the state has to move on to evict what the watermark has passed.
            groups.write.format("noop").mode("overwrite").save()
            return
        target = self._target(batch)
        started = time.monotonic()
        with self._failing("redis"):
            report = self._validated(self._rows(groups, target.now), target, batch)
        if report.truncated and report.truncated >= (self._truncated or report.truncated):
            report = self._after_truncate(batch, target, report)
        report.readable_at = time.time()
        written = time.monotonic()
        with self._failing("parquet"):
            self._put_in_place(batch, target, report)
        report.seconds = {"pass": written - started, "parquet": time.monotonic() - written}
        self.reports[batch_id] = report
        self.newest_written = batch.version
        self._oldest_start = oldest(report.oldest_start, self._oldest_start)
        self._days.add(target.now.date())
        if self._settings.sink == "console":
            self._emit("table", rows=report.examples)
        elif report.examples:
            self.examples = report.examples

    def _put_in_place(self, batch: Batch, target: Target, report: Report) -> None:
        """What the pass has staged."""
        if self._settings.sink != "console":
            self._store.commit_base(batch, report.base_parts)
        told: dict[str, Any] = {}
        if target.held_staging:
            self._store.commit_held(batch, report.held_parts)
            told = report.validation
        if self._settings.writes_parquet:
            self._store.commit(batch, report.parts, told)

    @contextlib.contextmanager
    def _failing(self, store: str) -> Iterator[None]:
        """Tells which store could not be written; of a pass, only where it is the store that said so."""
        try:
            yield
        except Exception as error:
            if store == "parquet" or describe(error)["type"] == OnlineStoreError.__name__:
                self._emit("write_failed", store=store)
            raise

    def _rows(self, groups: DataFrame, now: datetime) -> DataFrame:
        """What the pass takes of the query's groups: finished rows of a window, rows of a set as of now."""
        forget_older(groups.sparkSession, self._truncated)
        if self._feature_set.as_of_now:
            return unfolded(groups)
        return groups.transform(completed(self._feature_set, now))

    def _validated(self, rows: DataFrame, target: Target, batch: Batch) -> Report:
        """`_pass`; of a set with rules only once nothing says that the table was truncated, which takes rows away
        before they are judged, and once all rows hold to the rules that would stop the run."""
        feature_set, few_records = self._feature_set, self._is_small(batch)
        if target.held_staging is None:
            return self._pass(rows, target, few_records)
        history = partial(self._values_before, rows.sparkSession, batch.version)
        if few_records and self._is_here(rows.sparkSession, target):
            groups = few(rows, feature_set)
            if groups and (truncated := self._newly_truncated(pa.Table.from_batches(groups))) is not None:
                return truncated
            of_batch = partial(_values_of, lambda: finished_here(groups, feature_set, target), feature_set)
            target = replace(target, references=self._references.of(batch.version, history, of_batch))
            if self._may_fail:
                check_here(groups, feature_set, target)
            return write_here(groups, feature_set, target)
        # Computed once: a second time would go through the state again.
        ordered = in_order(rows, feature_set, few_records).persist(StorageLevel.MEMORY_AND_DISK)
        try:
            told = ordered.where("truncated IS NOT NULL OR duplicates > 0").select("truncated", "duplicates")
            if (truncated := self._newly_truncated(told.toArrow())) is not None:
                return truncated
            finished = finished_values(ordered, feature_set, target)
            of_batch = partial(_values_of, lambda: finished.where("NOT is_deleted"), feature_set)
            target = replace(target, references=self._references.of(batch.version, history, of_batch))
            if self._may_fail:
                check(ordered, feature_set, target)
            return write(ordered, feature_set, target)
        finally:
            ordered.unpersist()

    @property
    def _may_fail(self) -> bool:
        return any(rule.severity == "fail" for rule in self._feature_set.validation)

    def _newly_truncated(self, groups: pa.Table) -> Report | None:
        """What the groups tell beside their rows, where that is a truncate that was not known."""
        if "truncated" not in groups.schema.names:
            return None
        newest = newest_truncate(groups)
        if newest is None or newest < (self._truncated or newest):
            return None
        return Report(truncated=newest, duplicates=pc.sum(groups.column("duplicates")).as_py() or 0)

    def _values_before(self, spark: SparkSession, version: int, names: Sequence[str]) -> Mapping[str, Floats]:
        rows = rows_before(spark, self._feature_set, self._store, version)
        return _values_of(lambda: rows and rows.where("NOT is_deleted"), self._feature_set, names)

    def _pass(self, rows: DataFrame, target: Target, few_records: bool = False) -> Report:
        if few_records and self._is_here(rows.sparkSession, target):
            return write_here(few(rows, self._feature_set), self._feature_set, target)
        return write(in_order(rows, self._feature_set, few_records), self._feature_set, target)

    def _is_small(self, batch: Batch) -> bool:
        """By the groups that its records can touch."""
        return batch.records * groups_of_a_row(self._feature_set) <= _FEW_RECORDS

    def _is_here(self, spark: SparkSession, target: Target) -> bool:
        """Whether this process reaches the stores, and few groups are little: those of a set as of now are all rows."""
        folders = (target.staging, target.base_staging, target.held_staging)
        is_local = str(spark.sparkContext.master).startswith("local")
        return is_local and not self._feature_set.as_of_now and all(local_path(folder) for folder in folders if folder)

    def _after_truncate(self, batch: Batch, target: Target, before: Report) -> Report:
        """Once more, with all groups: those that the batch did not touch lost their rows, too."""
        assert before.truncated
        self._truncated = before.truncated
        self._checkpoint.remember_truncated(before.truncated)
        self._store.discard(before.parts + before.base_parts + before.held_parts)
        replayed = self._rows(self._replay(batch), target.now)
        groups = groups_after_truncate(replayed, self._feature_set, self._store, self._settings, target.expired)
        report = self._validated(groups, target, batch)
        report.duplicates = before.duplicates
        if self._settings.sink == "redis":
            empty_others(self._feature_set, self._settings.redis, target.expired, batch.version)
        return report

    def _target(self, batch: Batch) -> Target:
        ages = self._feature_set.as_of_now and self._settings.sink != "console"
        validates = bool(self._feature_set.validation) and self._settings.sink != "console"
        return Target(
            now=datetime.now(timezone.utc),
            expired=expired_start(self._feature_set, batch.watermark_ms),
            redis=self._settings.redis if self._settings.writes_redis else None,
            staging=self._store.staging(batch) if self._settings.writes_parquet else None,
            base_staging=self._store.base_staging(batch) if ages else None,
            held_staging=self._store.held_staging(batch) if validates else None,
            version=batch.version,
            examples=_CONSOLE_ROWS if self._settings.sink == "console" else 5,
        )


def _values_of(
    rows: Callable[[], DataFrame | Iterable[pa.RecordBatch] | None], feature_set: FeatureSet, names: Sequence[str]
) -> Mapping[str, Floats]:
    """The values of features in finished rows that say nothing is gone."""
    found = rows()
    if found is None:
        return {name: np.empty(0) for name in names}
    if isinstance(found, DataFrame):
        table = found.select(*(F.col(name).cast("double") for name in dict.fromkeys(names))).toArrow()
    else:
        table = pa.Table.from_batches(list(found), schema=row_schema(feature_set))
        table = table.filter(pc.invert(table.column("is_deleted")))
    return {name: table.column(name).cast(pa.float64()).drop_null().to_numpy() for name in names}
