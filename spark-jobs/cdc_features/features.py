"""Features of a window: aggregates in Spark, then what derives from them or depends on now.

The second step works on Arrow batches in the writers, so that a refresh can repeat it on rows of the history.
"""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyspark.sql import Column as C
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdc_features.arithmetic import evaluator
from cdc_features.feature_set import Aggregated, Behavioural, Derived, Feature, FeatureSet

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_DAY_MICROS = 86_400_000_000
_TIMESTAMP = pa.timestamp("us", tz="UTC")
_ARROW_TYPES = {
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "int": pa.int32(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}


def aggregate(feature_set: FeatureSet) -> Callable[[DataFrame], DataFrame]:
    """Live rows in; out: entity (under its own name), window_start, window_end, the aggregated features,
    event_timestamp (the latest in the window) and is_deleted (no row left; the rest is null then)."""

    def transform(windows: DataFrame) -> DataFrame:
        rows = F.col("rows")
        deleted = F.size(rows) == 0
        return windows.select(
            F.col("entity").alias(feature_set.entity),
            F.col("window.start").alias("window_start"),
            F.col("window.end").alias("window_end"),
            *(
                F.when(~deleted, _aggregate(feature_set, feature)).alias(feature.name)
                for feature in feature_set.aggregated
            ),
            F.array_max(_values(feature_set.source.event_time)).alias("event_timestamp"),
            deleted.alias("is_deleted"),
        )

    return transform


def _values(column: str) -> C:
    return F.filter(F.transform("rows", lambda row: row[column]), lambda value: value.isNotNull())


def _aggregate(feature_set: FeatureSet, feature: Aggregated) -> C:
    if feature.column is None:
        return F.size("rows").cast("bigint")
    values = _values(feature.column)
    if feature.aggregate == "count_distinct":
        return F.size(F.array_distinct(values)).cast("bigint")
    total = sum_type(feature_set, feature.column)
    # try_: a total that outgrows its type is null instead of the end of the query.
    added = F.aggregate(values, F.lit(0).cast(total), lambda sum, value: F.try_add(sum, value).try_cast(total))
    return F.when(F.size(values) > 0, added)


def sum_type(feature_set: FeatureSet, column: str) -> str:
    """Spark's own rule for sums: ten digits more, the same scale; integers become bigint."""
    size = feature_set.source.column(column).decimal_size
    return f"decimal({min(38, size[0] + 10)},{size[1]})" if size else "bigint"


def row_schema(feature_set: FeatureSet) -> pa.Schema:
    """A finished row, as the offline store keeps it. Timestamps are UTC with microseconds."""
    entity = feature_set.source.column(feature_set.entity)
    return pa.schema(
        [
            (feature_set.entity, _arrow_type(entity.type)),
            ("window_start", _TIMESTAMP),
            ("window_end", _TIMESTAMP),
            *((feature.name, _feature_type(feature_set, feature)) for feature in feature_set.features),
            ("event_timestamp", _TIMESTAMP),
            ("created_timestamp", _TIMESTAMP),
            ("batch_id", pa.int64()),
            ("is_deleted", pa.bool_()),
        ]
    )


def _feature_type(feature_set: FeatureSet, feature: Feature) -> pa.DataType:
    if isinstance(feature, Behavioural):
        return pa.int32()
    if isinstance(feature, Derived):
        return pa.bool_() if feature.digits is None else pa.decimal128(38, feature.digits)
    if feature.aggregate != "sum" or feature.column is None:
        return pa.int64()
    return _arrow_type(sum_type(feature_set, feature.column))


def _arrow_type(spark_type: str) -> pa.DataType:
    if spark_type.startswith("decimal"):
        precision, scale = spark_type[8:-1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return _ARROW_TYPES.get(spark_type, pa.string())


def finish(feature_set: FeatureSet, now: datetime) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
    """Aggregated rows with a `batch_id` in; finished rows (`row_schema`) out, right as of `now` (aware)."""
    schema = row_schema(feature_set)
    now_micros = (now - _EPOCH) // timedelta(microseconds=1)
    evaluators = {f.name: evaluator(f) for f in feature_set.features if isinstance(f, Derived)}

    def complete(batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = {name: batch.column(name) for name in batch.schema.names}
        values: dict[str, list[Any]] = {}
        for feature in feature_set.features:
            if isinstance(feature, Behavioural):
                values[feature.name] = _days_since(columns["event_timestamp"], now_micros)
            elif isinstance(feature, Derived):
                values[feature.name] = _derived(evaluators[feature.name], values, batch.num_rows)
            else:
                values[feature.name] = columns[feature.name].to_pylist()
                continue
            columns[feature.name] = pa.array(values[feature.name], schema.field(feature.name).type)
        created = pa.scalar(now_micros, pa.int64()).cast(_TIMESTAMP)
        columns["created_timestamp"] = pa.repeat(created, batch.num_rows)
        return pa.RecordBatch.from_arrays([columns[f.name].cast(f.type) for f in schema], schema=schema)

    return complete


def _days_since(event_times: pa.Array, now_micros: int) -> list[int | None]:
    today = now_micros // _DAY_MICROS
    micros = event_times.cast(pa.int64()).to_pylist()
    return [None if time is None else today - time // _DAY_MICROS for time in micros]


def _derived(evaluate: Any, values: dict[str, list[Any]], rows: int) -> list[Decimal | bool | None]:
    names = list(values)
    return (
        [evaluate(dict(zip(names, row, strict=True))) for row in zip(*values.values(), strict=True)]
        if names
        else [evaluate({})] * rows
    )
