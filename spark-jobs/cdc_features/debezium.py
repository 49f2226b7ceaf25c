"""Debezium's envelope: from Kafka records to what happened to rows.

Each record is exactly one of applied, ignored (a tombstone, another table's event, a row that counts nowhere) and
dead letter (with a reason). An applied record says where its row is now (an upsert) and, when the row
was deleted or has moved to another entity or window, where it is no more (a `gone` change). An update to something
that cannot be read is a dead letter and takes the row back: a row counts as it is now, and that is unknown.

The decoding itself is Java (`spark-jobs/jvm`), which Spark calls for each record: as SQL it was half a megabyte of
generated code, and half of a run's time (docs/decisions/0012).
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    IntegerType,
    LongType,
    StringType,
    StructType,
    TimestampType,
)

from cdc_features import sql
from cdc_features.feature_set import Column, FeatureSet, UnboundedWindow
from cdc_features.session import java, java_function
from cdc_features.windows import home_step_ms, length_ms

APPLIED, IGNORED, DEAD_LETTER = "applied", "ignored", "dead_letter"
METRICS = "cdc_events"
# Of the changes that came to Kafka by then.
TIME_SHARES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
_COUNTS = ("read", "applied", "ignored", "dead_letters")
# Of a Kafka record.
_TAKEN = ("value", "partition", "offset", "unix_micros(timestamp) AS timestamp")

Transform = Callable[[DataFrame], DataFrame]


def row_changes(feature_set: FeatureSet) -> Transform:
    """Kafka records in; out, a row for each group that a task's records change: `entity` (a struct of the key columns),
    the newest `event_time` and `clock` (UTC), `home`, where its newest window starts (micros), `row`, the bytes of
    its changes for the fold (state.py), and `time_ms`, when the newest record came to Kafka.

    The observation `METRICS` counts the records, and tells at which times these changes came to Kafka.
    """

    def transform(records: DataFrame) -> DataFrame:
        spark = records.sparkSession
        source = json.dumps(_declared(feature_set, packed=True))
        taken: Any = records.selectExpr(*_TAKEN)._jdf
        gathered = java(spark, "GatheredChanges").of(taken, source, _gathered(feature_set).json())
        return (
            DataFrame(gathered, spark)
            .observe(
                METRICS,
                *(F.expr(f"coalesce(sum({name}), 0L) AS {name}") for name in _COUNTS),
                F.expr("max(max_timestamp_ms) AS max_timestamp_ms"),
                F.expr("count(time_ms) AS changes"),
                F.expr(f"percentile_approx(time_ms, array({', '.join(map(str, TIME_SHARES))})) AS times_ms"),
            )
            .where("row IS NOT NULL")
            .selectExpr(
                _entity(feature_set),
                "timestamp_micros(event_time) AS event_time",
                "timestamp_micros(clock) AS clock",
                "home",
                "row",
                "time_ms",
            )
        )

    return transform


def each_row_change(feature_set: FeatureSet) -> Transform:
    """As `row_changes`, with a row per change as soon as it is read, for real-time mode."""

    def transform(records: DataFrame) -> DataFrame:
        changes = records.transform(classified(feature_set, packed=True))
        return changes.selectExpr("explode(changes) AS change").select("change.*")

    return transform


def classified(feature_set: FeatureSet, *, packed: bool = False) -> Transform:
    """Kafka records in; the same records out, with `class`, `reason` (of a dead letter), and the `changes` it makes.

    A change's `row` is struct(key, version, gone, values, at): `key` a struct of the primary key columns, `values` one
    of the columns that the features read, null when gone, and `at` where the record stands in Kafka: struct(partition,
    offset, home); or, when `packed`, bytes for the fold. `home`, where the newest window of the change starts
    (micros), is there once per record, for counting. `clock` moves the watermark. A truncated table is a gone row of
    the entity null.

    The observation `METRICS` counts them, all of them: it also keeps Spark from pushing later filters down into
    the decoding, which would decode every record twice.
    """

    def transform(records: DataFrame) -> DataFrame:
        decode = _decoder(records.sparkSession, feature_set, packed)
        return (
            records.selectExpr("*", f"{decode}(value, partition, offset, unix_micros(timestamp)) AS decoded")
            .selectExpr(*(sql.name(column) for column in records.columns), "decoded.*")
            .observe(
                METRICS,
                F.expr("count(1) AS read"),
                F.expr(f"count_if(class = '{APPLIED}') AS applied"),
                F.expr(f"count_if(class = '{IGNORED}') AS ignored"),
                F.expr(f"count_if(class = '{DEAD_LETTER}') AS dead_letters"),
                F.expr("max(unix_millis(timestamp)) AS max_timestamp_ms"),
            )
        )

    return transform


def _decoder(spark: SparkSession, feature_set: FeatureSet, packed: bool) -> str:
    """The name of the session's function that decodes the records of the set's source."""
    declared = json.dumps(_declared(feature_set, packed=packed))
    return java_function(spark, "RecordDecoder", declared, _decoded(feature_set, packed))


def _declared(feature_set: FeatureSet, *, packed: bool) -> dict[str, Any]:
    """What SourceTable.java reads."""
    source = feature_set.source
    schema, table = source.table.split(".")
    names = [column.name for column in source.columns]
    step, length = home_step_ms(feature_set), length_ms(feature_set)
    place = dict.fromkeys([*source.primary_key, *feature_set.entity, *_times_of_place(feature_set)])
    return {
        "schema": schema,
        "table": table,
        "flattened": source.format == "flattened",
        "append_only": source.append_only,
        "full_identity": source.replica_identity == "full",
        "columns": [_column(column) for column in source.columns],
        "primary_key": [names.index(name) for name in source.primary_key],
        "entity": [names.index(name) for name in feature_set.entity],
        "event_time": names.index(source.event_time),
        "place": [names.index(name) for name in place],
        "inputs": [names.index(name) for name in feature_set.input_columns],
        "home_step_micros": None if step is None else step * 1000,
        "margin_micros": (length or 0) * 1000,
        "packed": packed,
    }


def _times_of_place(feature_set: FeatureSet) -> list[str]:
    """None where all windows are unbounded: without full identity a delete does not tell the time."""
    unbounded = all(isinstance(window, UnboundedWindow) for window in feature_set.windows)
    return [] if unbounded and feature_set.source.replica_identity == "default" else [feature_set.source.event_time]


def _column(column: Column) -> dict[str, Any]:
    precision, scale = column.decimal_size or (0, 0)
    return {
        "name": column.name,
        "type": column.type,
        "precision": precision,
        "scale": scale,
        "unit": column.unit,
        "encoding": column.encoding,
    }


def _gathered(feature_set: FeatureSet) -> StructType:
    """What GatheredChanges.java returns."""
    entity = sql.physical(_columns(feature_set, feature_set.entity))
    group = {
        **{"entity": entity, "event_time": LongType(), "clock": LongType()},
        **{"home": LongType(), "row": BinaryType(), "time_ms": LongType()},
    }
    return sql.struct({**group, **dict.fromkeys((*_COUNTS, "max_timestamp_ms"), LongType())})


def _entity(feature_set: FeatureSet) -> str:
    """SQL of the struct as grouping and state have it."""
    types = _columns(feature_set, feature_set.entity)
    columns = (f"{sql.text(f.name)}, {sql.logical(f'entity.{sql.name(f.name)}', f.dataType)}" for f in types)
    return f"named_struct({', '.join(columns)}) AS entity"


def _columns(feature_set: FeatureSet, names: Sequence[str]) -> StructType:
    return sql.struct({name: _type(feature_set.source.column(name).type) for name in names})


def _decoded(feature_set: FeatureSet, packed: bool) -> StructType:
    """What RecordDecoder.java returns."""
    source = feature_set.source
    version = sql.struct({"commit_lsn": LongType(), "lsn": LongType(), "rank": IntegerType()})
    at = sql.struct({"partition": IntegerType(), "offset": LongType(), "home": LongType()})
    key, values = _columns(feature_set, source.primary_key), _columns(feature_set, feature_set.input_columns)
    row = sql.struct({"key": key, "version": version, "gone": BooleanType(), "values": values, "at": at})
    entity, time = _columns(feature_set, feature_set.entity), TimestampType()
    place: dict[str, DataType] = {"entity": entity, "event_time": time, "clock": time}
    change = sql.struct(
        {**place, "home": LongType(), "row": BinaryType(), "time_ms": LongType()} if packed else {**place, "row": row}
    )
    return sql.struct({"class": StringType(), "reason": StringType(), "changes": ArrayType(change, containsNull=False)})


def _type(column_type: str) -> DataType:
    return DataType.fromDDL(sql.type(column_type))
