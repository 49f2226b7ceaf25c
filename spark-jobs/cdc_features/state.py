"""The state of a group (an entity's rows in a window): its rows, each with the versions of it that were seen.

Of a row its newest version counts, and a version seen again changes nothing, so the fold is exact however the log is
replayed. Of rows that never change the state is what they come to, and nothing else. Spark's watermark evicts a
group's state as a whole. The fold is Java (`spark-jobs/jvm`): bytes in, bytes in the state, aggregates out
(docs/decisions/0014).
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column as C
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import DataType, IntegerType, LongType, StructType

from cdc_features import sql
from cdc_features.feature_set import Aggregated, Column, FeatureSet, PointInTime
from cdc_features.features import base_schema, row_schema, sum_digits
from cdc_features.position import Position
from cdc_features.session import function_name, java

_TRUNCATED = "cdcfeatures.truncated"


def fold(feature_set: FeatureSet) -> C:
    """The aggregate `fold` over the columns of `row_changes` and `window`: a struct, see `unfolded`."""
    session = SparkSession.active()
    kind = "AppendFold" if feature_set.source.append_only else "Fold"
    declared, result = json.dumps(_declared(feature_set)), _result(feature_set).json()
    name = function_name(kind, declared, result)
    internals: Any = session._jsparkSession
    internals.udf().register(name, java(session, kind).function(declared, result))
    # A record counts once, in the newest of its windows, should it be a duplicate.
    counts = "home <=> coalesce(unix_micros(window.start), 0L)"
    return F.expr(f"{name}(row, {counts}, time_ms)").alias("fold")


def unfolded(groups: DataFrame) -> DataFrame:
    """Groups with `fold` in; out: the entity's columns, `window_start`, `window_end`, and the fold's own.

    These are, for a set with one window, `row_count`, `event_timestamp` and each feature over rows; for a set as of
    now `rows`, an array of struct(event_time, keys, values). Times are micros since 1970, dates days. A group that
    lost its last row stays, with no rows: the stores have to learn of it. `records` counts the changes of the batch,
    Spark's `batch`, `duplicates` those that brought nothing new; `source_ms` is when the newest came to Kafka. The
    group of a truncate has no entity, and its version as `truncated`.
    """
    return groups.selectExpr("entity.*", "window.start AS window_start", "window.end AS window_end", "fold.*")


def forget_older(spark: SparkSession, truncated: Position | None) -> None:
    """Has the folds of Spark jobs from now on leave out the rows that are older than this."""
    position = truncated and ",".join(str(part) for part in dataclasses.astuple(truncated))
    context: Any = spark.sparkContext
    context.setLocalProperty(_TRUNCATED, position)


def _declared(feature_set: FeatureSet) -> dict[str, Any]:
    """What Fold.java reads."""
    source, inputs = feature_set.source, feature_set.input_columns
    features = [
        {"function": function, "column": inputs.index(column) if column else -1, "digits": digits}
        for function, column, digits in (_function(feature_set, feature) for feature in over_rows(feature_set))
    ]
    return {
        "key": [_type(source.column(name)) for name in source.primary_key],
        "values": [_type(source.column(name)) for name in inputs],
        "event_time": inputs.index(source.event_time),
        "gives_rows": feature_set.as_of_now,
        "features": [] if feature_set.as_of_now else features,
    }


def over_rows(feature_set: FeatureSet) -> Sequence[Aggregated | PointInTime]:
    return [feature for feature in feature_set.features if isinstance(feature, Aggregated | PointInTime)]


def _function(feature_set: FeatureSet, feature: Aggregated | PointInTime) -> tuple[str, str | None, int]:
    if isinstance(feature, PointInTime):
        return "at", feature.column, 0
    if feature.aggregate == "sum":
        return "sum", feature.column, sum_digits(feature_set, str(feature.column))
    return feature.aggregate, feature.column, feature.digits or 0


def _type(column: Column) -> dict[str, Any]:
    return {"type": column.type, "scale": column.decimal_size[1] if column.decimal_size else 0}


def _result(feature_set: FeatureSet) -> StructType:
    """What Fold.java returns."""
    version = sql.struct({"commit_lsn": LongType(), "lsn": LongType(), "rank": IntegerType()})
    common: dict[str, DataType] = {
        **dict.fromkeys(("batch", "records", "duplicates", "source_ms"), LongType()),
        "truncated": version,
    }
    if feature_set.as_of_now:
        rows = from_arrow_schema(base_schema(feature_set))["rows"].dataType
        return sql.struct({"rows": sql.physical(rows), **common})
    logical = from_arrow_schema(row_schema(feature_set))
    features = {feature.name: sql.physical(logical[feature.name].dataType) for feature in over_rows(feature_set)}
    return sql.struct({"row_count": LongType(), "event_timestamp": LongType(), **features, **common})
