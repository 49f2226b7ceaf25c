"""One pass over a batch: every task finishes its groups, writes them to Redis and stages them for Parquet.

Only small reports (counts, part paths, a few examples) come back to the driver.
"""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark import InheritableThread
from pyspark.sql import DataFrame, SparkSession

from cdc_features.feature_set import FeatureSet
from cdc_features.features import base_schema, finish, micros, row_schema
from cdc_features.files import staged
from cdc_features.offline import StagedPart
from cdc_features.online import OnlineWriter, changes, finished_changes, iso
from cdc_features.position import Position
from cdc_features.report import Example, Report, oldest
from cdc_features.settings import Redis
from cdc_features.windows import container_start

_REPORT = "report string, part string, base_part string"
_REPORTED = pa.schema([(name, pa.string()) for name in ("report", "part", "base_part")])

Pass = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Target:
    """Where a pass writes to and as of when. `expired` is the newest window start no longer kept (epoch
    seconds), `as_of` a version that rows are right as of, though theirs is older; a store without address (None) is
    not written, neither is `base_staging`, for the groups of sets as of now; `version` is that of rows that bring
    none; `examples` is how many rows each task shows. With `ageing`, rows bring what is `known` of them, and only those
    that differ get the target's version and are staged, unless those that are `also_unchanged` are wanted."""

    now: datetime
    expired: int
    as_of: int = 0
    version: int | None = None
    redis: Redis | None = None
    staging: str | None = None
    base_staging: str | None = None
    ageing: bool = False
    also_unchanged: bool = False
    examples: int = 5


def write(groups: DataFrame, feature_set: FeatureSet, target: Target) -> Report:
    """Runs the pass as one Spark job.

    The groups of an entity stand together in one partition. They come with a `batch_id`, or get the target's version.
    """
    report = Report()
    tasks = groups.mapInArrow(_pass(feature_set, target), _REPORT)
    for task in staged(tasks, {"part": target.staging, "base_part": target.base_staging}).collect():
        report.add(json.loads(task["report"]), task["part"], task["base_part"])
    return report


def write_few(groups: DataFrame, feature_set: FeatureSet, target: Target) -> Report:
    """As `write`, in this process, which has to reach the stores: for a few groups the way to Python's workers and back
    takes longer than writing them. They come in any order."""
    table = groups.toArrow()
    order = [(name, "ascending") for name in (*feature_set.entity, "window_start")]
    return write_here(table.take(pc.sort_indices(table, order)).to_batches(), feature_set, target)


def write_here(groups: Iterable[pa.RecordBatch], feature_set: FeatureSet, target: Target) -> Report:
    """As `write`, in this process."""
    report = Report()
    for told in _pass(feature_set, target)(groups):
        task = told.to_pylist()[0]
        report.add(json.loads(task["report"]), task["part"], task["base_part"])
    return report


def start_workers(spark: SparkSession) -> None:
    """Has Python workers start and load this module while Spark is still at the query's plan; the pass reuses them."""

    def start() -> None:
        with contextlib.suppress(Exception):  # The pass itself tells what is wrong with them.
            tasks = spark.sparkContext.defaultParallelism
            spark.range(0, tasks, 1, tasks).mapInArrow(_nothing, _REPORT).collect()

    InheritableThread(target=start, daemon=True).start()


def _nothing(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for _ in batches:
        pass
    return iter(())


def _pass(feature_set: FeatureSet, target: Target) -> Pass:
    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        task = _Task(feature_set, target)
        try:
            for batch in batches:
                task.take(batch)
            report, *parts = task.finished()
        except BaseException:
            task.discard()
            raise
        finally:
            task.close()
        columns = zip(_REPORTED.names, (json.dumps(report), *parts), strict=True)
        yield pa.RecordBatch.from_pydict({name: [value] for name, value in columns}, schema=_REPORTED)

    return run


class _Task:
    """One partition of a pass."""

    def __init__(self, feature_set: FeatureSet, target: Target) -> None:
        self._feature_set = feature_set
        self._target = target
        self._complete = finish(feature_set, target.now)
        self._container = container_start(feature_set, micros(target.now)) if feature_set.as_of_now else None
        self._staged = StagedPart(target.staging, row_schema(feature_set)) if target.staging else None
        self._base = StagedPart(target.base_staging, base_schema(feature_set)) if target.base_staging else None
        self._writer: OnlineWriter | None = None
        self._entity: object = None
        self._entities = 0
        self._duplicates = 0
        self._truncated: dict[str, int] | None = None
        self._oldest_start: int | None = None
        self._examples: list[Example] = []

    def take(self, batch: pa.RecordBatch) -> None:
        groups = self._without_truncates(batch)
        if groups.num_rows == 0:
            return
        if self._target.version is not None and not self._target.ageing:
            version = pa.repeat(pa.scalar(self._target.version, pa.int64()), groups.num_rows)
            groups = groups.append_column("batch_id", version)
        if self._base:
            self._base.write(self._base_rows(groups))
        if self._feature_set.as_of_now and not self._target.ageing:
            groups = groups.filter(self._is_served(groups))
        if groups.num_rows:
            self._serve(groups)

    def _without_truncates(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Also counts what groups tell beside their rows."""
        if "duplicates" not in batch.schema.names:
            return batch
        self._duplicates += pc.sum(batch.column("duplicates")).as_py() or 0
        truncates = batch.column("truncated")
        if truncates.null_count == len(truncates):
            return batch
        for position in truncates.drop_null().to_pylist():
            self._truncated = max(self._truncated or position, position, key=lambda p: Position(**p))
        return batch.filter(truncates.is_null())

    def _is_served(self, groups: pa.RecordBatch) -> pa.Array:
        if self._container is None:
            return pa.repeat(pa.scalar(True), groups.num_rows)
        return pc.equal(groups.column("window_start").cast(pa.int64()), self._container)

    def _base_rows(self, groups: pa.RecordBatch) -> pa.RecordBatch:
        schema = base_schema(self._feature_set)
        columns = {name: groups.column(name) for name in (*self._feature_set.entity, "batch_id", "rows")}
        columns["container_start"] = groups.column("window_start")
        return pa.RecordBatch.from_arrays([columns[f.name].cast(f.type) for f in schema], schema=schema)

    def _serve(self, groups: pa.RecordBatch) -> None:
        is_finished = "payload" in groups.schema.names
        finished = self._typed(groups) if is_finished else self._complete(groups)
        changed = finished
        if self._target.ageing:
            finished, changed = self._aged(groups, finished)
        if self._target.redis:
            self._writer = self._writer or OnlineWriter(self._target.redis, self._target.expired, self._target.as_of)
            calls = finished_changes(self._feature_set, groups) if is_finished else changes(self._feature_set, finished)
            self._writer.write(calls)
        if self._staged and changed.num_rows:
            self._staged.write(changed)
        for entity in zip(*(finished.column(name).to_pylist() for name in self._feature_set.entity), strict=True):
            self._entities += entity != self._entity
            self._entity = entity
        start = pc.min(finished.column("window_start").cast(pa.int64())).as_py()
        self._oldest_start = oldest(start, self._oldest_start)
        self._examples += _examples(self._feature_set, finished, self._target.examples - len(self._examples))

    def _typed(self, groups: pa.RecordBatch) -> pa.RecordBatch:
        """Rows that Java has finished, as the offline store has them; created now, unless they say when."""
        schema = row_schema(self._feature_set)
        if "created_timestamp" not in groups.schema.names:
            now = pa.scalar(micros(self._target.now), pa.int64())
            groups = groups.append_column("created_timestamp", pa.repeat(now, groups.num_rows))
        columns = [groups.column(field.name).cast(field.type) for field in schema]
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _aged(self, groups: pa.RecordBatch, finished: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        """The finished rows with the version they are to have, and those of them that are not as they were known."""
        assert self._target.version is not None
        names = [*(feature.name for feature in self._feature_set.features), "is_deleted"]
        now = zip(*(finished.column(name).to_pylist() for name in names), strict=True)
        versions, differs = [], []
        for row, known in zip(now, groups.column("known").to_pylist(), strict=True):
            # One that was never served needs no row that says it is gone.
            is_same = row[-1] if known is None else row == tuple(known[name] for name in names)
            differs.append(self._target.also_unchanged or not is_same)
            versions.append(known["batch_id"] if known and is_same else self._target.version)
        at = finished.schema.get_field_index("batch_id")
        finished = finished.set_column(at, finished.schema.field(at), pa.array(versions, pa.int64()))
        return finished, finished.filter(pa.array(differs, pa.bool_()))

    def finished(self) -> tuple[dict[str, Any], str | None, str | None]:
        """Sends what waits and closes the parts; the task's report, its part and its part of groups."""
        if self._writer:
            self._writer.flush()
        report = {
            "entities": self._entities,
            "duplicates": self._duplicates,
            "examples": self._examples,
            "truncated": self._truncated,
            "oldest_start": self._oldest_start,
        }
        part, base_part = (part.close() if part else None for part in (self._staged, self._base))
        return report, part, base_part

    def discard(self) -> None:
        for part in (self._staged, self._base):
            if part:
                part.discard()

    def close(self) -> None:
        if self._writer:
            self._writer.close()


def _examples(feature_set: FeatureSet, finished: pa.RecordBatch, limit: int) -> list[Example]:
    some = finished.slice(0, max(limit, 0))
    names = [*feature_set.entity, *(feature.name for feature in feature_set.features)]
    starts = some.column("window_start").cast(pa.int64()).to_pylist()
    return [
        {"window_start": None if start is None else iso(start), **{name: _plain(row[name]) for name in names}}
        for start, row in zip(starts, some.select(names).to_pylist(), strict=True)
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return iso(micros(value))
    return value.isoformat() if isinstance(value, date) else value
