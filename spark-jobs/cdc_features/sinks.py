"""One pass over a batch: every task finishes its rows, writes them to Redis and stages them for Parquet.

Only small reports (counts, part paths, a few examples) come back to the driver.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame

from cdc_features.feature_set import FeatureSet
from cdc_features.features import finish, row_schema
from cdc_features.offline import StagedPart
from cdc_features.online import OnlineWriter, changes, iso

_REPORT = "entities bigint, part string, examples string"

Example = dict[str, Any]
Pass = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Target:
    """Where a pass writes to and as of when. `expired` is the newest window start no longer kept (epoch
    seconds), `as_of` a version that rows are right as of, though theirs is older; a store without address (None) is
    not written; `version` is that of rows that bring none; `examples` is how many rows each task shows."""

    now: datetime
    expired: int
    as_of: int = 0
    version: int | None = None
    redis_url: str | None = None
    staging: str | None = None
    examples: int = 5


@dataclass
class Report:
    """What a pass did: entities written, the staged parts, and some rows to show."""

    entities: int = 0
    parts: list[str] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)


def write(rows: DataFrame, feature_set: FeatureSet, target: Target) -> Report:
    """Runs the pass as one Spark job.

    The rows of an entity stand together in one partition. They come with a `batch_id`, or get the target's version.
    """
    report = Report()
    for task in rows.mapInArrow(_pass(feature_set, target), _REPORT).collect():
        report.entities += task["entities"]
        report.parts += [task["part"]] if task["part"] else []
        report.examples += json.loads(task["examples"])
    return report


def _pass(feature_set: FeatureSet, target: Target) -> Pass:
    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        report = Report()
        complete = finish(feature_set, target.now)
        staged = StagedPart(target.staging, row_schema(feature_set)) if target.staging else None
        writer: OnlineWriter | None = None
        entity: object = None
        try:
            for batch in batches:
                if batch.num_rows == 0:
                    continue
                finished = complete(_versioned(batch, target.version))
                if target.redis_url:
                    writer = writer or OnlineWriter(target.redis_url, target.expired, target.as_of)
                    writer.write(changes(feature_set, finished))
                if staged:
                    staged.write(finished)
                for next_entity in finished.column(feature_set.entity).to_pylist():
                    report.entities += next_entity != entity
                    entity = next_entity
                report.examples += _examples(feature_set, finished, target.examples - len(report.examples))
            if writer:
                writer.flush()
        finally:
            if writer:
                writer.close()
        part = staged.close() if staged else None
        yield pa.RecordBatch.from_pydict(
            {
                "entities": [report.entities],
                "part": pa.array([part], pa.string()),
                "examples": [json.dumps(report.examples)],
            }
        )

    return run


def _versioned(batch: pa.RecordBatch, version: int | None) -> pa.RecordBatch:
    if version is None:
        return batch
    return batch.append_column("batch_id", pa.repeat(pa.scalar(version, pa.int64()), batch.num_rows))


def _examples(feature_set: FeatureSet, finished: pa.RecordBatch, limit: int) -> list[Example]:
    some = finished.slice(0, max(limit, 0))
    names = [feature_set.entity, *(feature.name for feature in feature_set.features)]
    starts = some.column("window_start").cast(pa.int64()).to_pylist()
    return [
        {"window_start": iso(start), **{name: _plain(row[name]) for name in names}}
        for start, row in zip(starts, some.select(names).to_pylist(), strict=True)
    ]


def _plain(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else value
