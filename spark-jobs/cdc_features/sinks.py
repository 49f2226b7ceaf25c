"""One pass over a batch: every task finishes its groups, writes them to Redis and stages them for Parquet.

Only small reports (counts, part paths, a few examples) come back to the driver.
"""

import contextlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import InheritableThread
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from cdc_features.feature_set import FeatureSet
from cdc_features.features import base_schema, finish, micros, now_dependent, quarantine_schema, row_schema
from cdc_features.files import staged
from cdc_features.offline import StagedPart
from cdc_features.online import OnlineWriter, changes, finished_changes, iso
from cdc_features.position import Position
from cdc_features.references import Reference
from cdc_features.report import Example, Report, oldest
from cdc_features.settings import Redis
from cdc_features.validation import Broken, Row, ValidationError, Validator, compares_with_served
from cdc_features.windows import Flags, container_start

_REPORT = "report string, part string, base_part string, held_part string"
_REPORTED = pa.schema([(name, pa.string()) for name in ("report", "part", "base_part", "held_part")])
_SHOWN = 3

Pass = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Target:
    """Where a pass writes to and as of when. `expired` is the newest window start no longer kept (epoch
    seconds), `as_of` a version that rows are right as of, though theirs is older; a store without address (None) is
    not written, neither is `base_staging`, for the groups of sets as of now; `version` is that of rows that bring
    none; `examples` is how many rows each task shows. Rows that break rules go to `held_staging`; where that is None
    no rule is looked at. `references` are what outliers are measured by, by rule. With `ageing`, rows bring what is
    `known` of them, and only those that differ get the target's version and are staged, unless those that are
    `also_unchanged` are wanted."""

    now: datetime
    expired: int
    as_of: int = 0
    version: int | None = None
    redis: Redis | None = None
    staging: str | None = None
    base_staging: str | None = None
    held_staging: str | None = None
    references: Mapping[str, Reference] = field(default_factory=dict)
    ageing: bool = False
    also_unchanged: bool = False
    examples: int = 5


def write(groups: DataFrame, feature_set: FeatureSet, target: Target) -> Report:
    """Runs the pass as one Spark job.

    The groups of an entity stand together in one partition. They come with a `batch_id`, or get the target's version.
    """
    report = Report()
    tasks = groups.mapInArrow(_pass(feature_set, target), _REPORT)
    folders = {"part": target.staging, "base_part": target.base_staging, "held_part": target.held_staging}
    for task in staged(tasks, folders).collect():
        report.add(json.loads(task["report"]), task["part"], task["base_part"], task["held_part"])
    return report


def few(groups: DataFrame, feature_set: FeatureSet) -> list[pa.RecordBatch]:
    """Groups for `write_here`, in its order. They come in any order."""
    table = groups.toArrow()
    order = [(name, "ascending") for name in (*feature_set.entity, "window_start")]
    batches: list[pa.RecordBatch] = table.take(pc.sort_indices(table, order)).to_batches()
    return batches


def write_here(groups: Iterable[pa.RecordBatch], feature_set: FeatureSet, target: Target) -> Report:
    """As `write`, in this process, which has to reach the stores: for a few groups the way to Python's workers and back
    takes longer than writing them."""
    report = Report()
    for told in _pass(feature_set, target)(groups):
        task = told.to_pylist()[0]
        report.add(json.loads(task["report"]), task["part"], task["base_part"], task["held_part"])
    return report


def check(groups: DataFrame, feature_set: FeatureSet, target: Target) -> None:
    """Throws ValidationError where rows break rules whose severity is `fail`; groups as for `write`, which writes them
    once nothing was thrown."""
    told = groups.mapInArrow(_check(feature_set, target), "told string").collect()
    _refuse(feature_set, (json.loads(row["told"]) for row in told))


def check_here(groups: Iterable[pa.RecordBatch], feature_set: FeatureSet, target: Target) -> None:
    """As `check`, in this process."""
    told = (text for batch in _check(feature_set, target)(groups) for text in batch.column("told").to_pylist())
    _refuse(feature_set, map(json.loads, told))


def finished_values(groups: DataFrame, feature_set: FeatureSet, target: Target) -> DataFrame:
    """The features of groups as `write` takes them, as finished rows (`row_schema`)."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        task = _Task(feature_set, target)
        for batch in batches:
            yield from task.finish(batch)

    return groups.mapInArrow(run, from_arrow_schema(row_schema(feature_set)))


def finished_here(
    groups: Iterable[pa.RecordBatch], feature_set: FeatureSet, target: Target
) -> Iterator[pa.RecordBatch]:
    """As `finished_values`, in this process."""
    task = _Task(feature_set, target)
    for batch in groups:
        yield from task.finish(batch)


def _check(feature_set: FeatureSet, target: Target) -> Pass:
    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        task = _Task(feature_set, target)
        try:
            told = [json.dumps(task.failures(batch)) for batch in batches]
        finally:
            task.close()
        yield pa.RecordBatch.from_pydict({"told": told}, schema=pa.schema([("told", pa.string())]))

    return run


def _refuse(feature_set: FeatureSet, told: Iterable[Mapping[str, Any]]) -> None:
    """`told` of each rule how many rows break it, and some of them in words."""
    counts, examples = Counter[str](), defaultdict[str, list[str]](list)
    for one in told:
        counts.update(one["counts"])
        for rule, texts in one["examples"].items():
            examples[rule] += texts
    if not counts:
        return
    lines = [
        f"  {rule}: {count} row{'s' if count > 1 else ''}, such as {'; '.join(examples[rule][:_SHOWN])}"
        for rule, count in counts.most_common()
    ]
    raise ValidationError(
        f"nothing of the batch was written, since rows of {feature_set.name} break rules whose severity is fail:\n"
        + "\n".join(lines)
        + "\nThe next run begins with this batch. Ways out: correct the rows, and run with --on-fail quarantine, which "
        "keeps the wrong ones from the stores and goes on to the right ones; or mend the rule in the definition."
    )


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
            report, parts = task.finished()
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
        has_rules = bool(feature_set.validation and target.held_staging)
        self._validator = Validator(feature_set, target.references) if has_rules else None
        self._held = StagedPart(str(target.held_staging), quarantine_schema(feature_set)) if has_rules else None
        self._violations = Counter[str]()
        self._quarantined = 0
        self._changed = 0
        self._rows = 0
        self._named = [feature.name for feature in feature_set.features]
        self._writer: OnlineWriter | None = None
        self._entity: object = None
        self._entities = 0
        self._duplicates = 0
        self._truncated: dict[str, int] | None = None
        self._oldest_start: int | None = None
        self._examples: list[Example] = []

    def take(self, batch: pa.RecordBatch) -> None:
        groups = self._versioned(self._without_truncates(batch))
        if self._base and groups.num_rows:
            self._base.write(self._base_rows(groups))
        groups = self._in_use(groups)
        if groups.num_rows:
            self._serve(groups)

    def finish(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """What `take` would serve, as finished rows."""
        groups = self._in_use(self._versioned(self._without_truncates(batch)))
        if groups.num_rows:
            yield self._finished(groups)

    def failures(self, batch: pa.RecordBatch) -> dict[str, Any]:
        """How many rows of a batch break each rule whose severity is `fail`, and some of them in words."""
        counts, examples = Counter[str](), defaultdict[str, list[str]](list)
        for finished in self.finish(batch):
            for at, broken in enumerate(self._broken(finished)):
                for one in broken:
                    if one.severity != "fail":
                        continue
                    counts[one.rule] += 1
                    if len(examples[one.rule]) < _SHOWN:
                        examples[one.rule].append(f"{one.reason} ({self._place(finished, at)})")
        return {"counts": counts, "examples": examples}

    def _place(self, finished: pa.RecordBatch, at: int) -> str:
        entity = ", ".join(f"{name} {finished.column(name)[at].as_py()}" for name in self._feature_set.entity)
        start = finished.column("window_start")[at]
        if self._feature_set.as_of_now or not start.is_valid:
            return entity
        return f"{entity}, window of {iso(start.cast(pa.int64()).as_py())}"

    def _versioned(self, groups: pa.RecordBatch) -> pa.RecordBatch:
        if self._target.version is None or self._target.ageing:
            return groups
        version = pa.repeat(pa.scalar(self._target.version, pa.int64()), groups.num_rows)
        return groups.append_column("batch_id", version)

    def _in_use(self, groups: pa.RecordBatch) -> pa.RecordBatch:
        if not self._feature_set.as_of_now or self._target.ageing or groups.num_rows == 0:
            return groups
        return groups.filter(self._is_served(groups))

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

    def _finished(self, groups: pa.RecordBatch) -> pa.RecordBatch:
        return self._typed(groups) if _are_finished(groups) else self._complete(groups)

    def _serve(self, groups: pa.RecordBatch) -> None:
        finished = self._finished(groups)
        changed = served = np.ones(groups.num_rows, np.bool_)
        if self._target.ageing:
            finished, changed, served = self._aged(groups, finished)
            if _are_finished(groups):
                at = groups.schema.get_field_index("batch_id")
                groups = groups.set_column(at, "batch_id", finished.column("batch_id"))
        if self._validator:
            served = served & ~self._hold(finished, changed)
        if not served.all():
            changed = changed[served]
            groups, finished = groups.filter(pa.array(served)), finished.filter(pa.array(served))
        if finished.num_rows == 0:
            return
        if self._target.redis:
            is_finished = _are_finished(groups)
            calls = finished_changes(self._feature_set, groups) if is_finished else changes(self._feature_set, finished)
            self._online().write(calls)
        self._changed += int(changed.sum())
        self._rows += finished.num_rows
        if self._staged and changed.any():
            self._staged.write(finished if changed.all() else finished.filter(pa.array(changed)))
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

    def _online(self) -> OnlineWriter:
        assert self._target.redis
        self._writer = self._writer or OnlineWriter(self._target.redis, self._target.expired, self._target.as_of)
        return self._writer

    def _hold(self, finished: pa.RecordBatch, judged: Flags) -> Flags:
        """Which rows are kept from the stores, of those that are judged; they are in the quarantine then."""
        assert self._held
        at = np.flatnonzero(judged)
        rows = finished if judged.all() else finished.filter(pa.array(judged))
        broken = self._broken(rows)
        self._violations.update(one.rule for of_row in broken for one in of_row)
        keeps = [any(one.severity != "warn" for one in of_row) for of_row in broken]
        is_held = np.zeros(finished.num_rows, np.bool_)
        is_held[at] = keeps
        if any(keeps):
            told = [of_row for of_row, is_kept in zip(broken, keeps, strict=True) if is_kept]
            held = rows.filter(pa.array(keeps))
            names = pa.array([[one.rule for one in of_row] for of_row in told], pa.list_(pa.string()))
            reasons = pa.array([[one.reason for one in of_row] for of_row in told], pa.list_(pa.string()))
            schema = quarantine_schema(self._feature_set)
            self._held.write(pa.RecordBatch.from_arrays([*held.columns, names, reasons], schema=schema))
            self._quarantined += held.num_rows
        return is_held

    def _broken(self, finished: pa.RecordBatch) -> list[list[Broken]]:
        assert self._validator
        served: Sequence[Row | None] = [None] * finished.num_rows
        if self._target.redis and compares_with_served(self._feature_set) and finished.num_rows:
            served = self._online().served(self._feature_set, finished)
        return self._validator.broken(finished, served)

    def _aged(self, groups: pa.RecordBatch, finished: pa.RecordBatch) -> tuple[pa.RecordBatch, Flags, Flags]:
        """The finished rows with the version they are to have; which of them are not as they were known; and which are
        to be served: not those that were kept from the stores as they are."""
        assert self._target.version is not None
        # What is right as of now is computed anew for windows, and no change of them.
        names = [name for name in self._named if name not in now_dependent(self._feature_set)] + ["is_deleted"]
        now = zip(*(finished.column(name).to_pylist() for name in names), strict=True)
        versions, differs, is_served = [], [], []
        for row, known in zip(now, groups.column("known").to_pylist(), strict=True):
            # One that was never served needs no row that says it is gone.
            is_same = row[-1] if known is None else row == tuple(known[name] for name in names)
            differs.append(self._target.also_unchanged or not is_same)
            is_served.append(not (known and is_same and known.get("held")))
            versions.append(known["batch_id"] if known and is_same else self._target.version)
        at = finished.schema.get_field_index("batch_id")
        finished = finished.set_column(at, finished.schema.field(at), pa.array(versions, pa.int64()))
        return finished, np.array(differs, np.bool_), np.array(is_served, np.bool_)

    def finished(self) -> tuple[dict[str, Any], list[str | None]]:
        """Sends what waits and closes the parts; the task's report, its part, its part of groups, and that of rows that
        are kept from the stores."""
        if self._writer:
            self._writer.flush()
        report = {
            "entities": self._entities,
            "duplicates": self._duplicates,
            "examples": self._examples,
            "truncated": self._truncated,
            "oldest_start": self._oldest_start,
            "violations": self._violations,
            "quarantined": self._quarantined,
            "changed": self._changed,
            "rows": self._rows,
            "retries": self._writer.retries if self._writer else 0,
        }
        return report, [part.close() if part else None for part in (self._staged, self._base, self._held)]

    def discard(self) -> None:
        for part in (self._staged, self._base, self._held):
            if part:
                part.discard()

    def close(self) -> None:
        if self._writer:
            self._writer.close()


def _are_finished(groups: pa.RecordBatch) -> bool:
    """Whether Java has done it."""
    return "payload" in groups.schema.names


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
