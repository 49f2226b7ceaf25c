"""All features of a window from its aggregates, in Java: the last step before the stores.

What is right as of now is so as of the moment that the job says.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StringType, StructType

from cdc_features import sql
from cdc_features.durations import milliseconds
from cdc_features.expressions import Call, DecimalLiteral, Expression, FeatureReference, TextLiteral
from cdc_features.feature_set import Behavioural, Derived, Feature, FeatureSet, PointInTime
from cdc_features.features import UNIT_MS, micros, row_schema
from cdc_features.session import java_function

_NOW = "cdcfeatures.now"


def completed(feature_set: FeatureSet, now: datetime) -> Callable[[DataFrame], DataFrame]:
    """A rendered job's groups of a set with one window in; out: the entity's columns, `window_start`, `window_end`,
    each feature as of `now`, `event_timestamp`, `is_deleted`, `key` and `payload` for the online store, and of the
    fold `duplicates` and `truncated`. Times of features are micros since 1970, dates days.
    """

    def transform(groups: DataFrame) -> DataFrame:
        spark = groups.sparkSession
        spark.sparkContext.setLocalProperty(_NOW, str(micros(now)))
        complete = java_function(spark, "Completion", declared(feature_set), _type(feature_set))
        start, end = "unix_micros(window.start)", "unix_micros(window.end)"
        return (
            groups.selectExpr(
                "entity.*",
                "window.start AS window_start",
                "window.end AS window_end",
                f"{complete}(entity, {start}, {end}, fold) AS done",
                "fold.event_timestamp",
                "fold.duplicates",
                "fold.truncated",
            )
            .selectExpr("*", "done.*", "done.payload IS NULL AS is_deleted")
            .drop("done")
        )

    return transform


def _type(feature_set: FeatureSet) -> StructType:
    """What Completion.java returns."""
    logical = from_arrow_schema(row_schema(feature_set))
    features = {feature.name: sql.physical(logical[feature.name].dataType) for feature in feature_set.features}
    return sql.struct({"key": StringType(), "payload": StringType(), **features})


def declared(feature_set: FeatureSet) -> str:
    """What WindowFeatures.java reads."""
    told = {
        "prefix": f"{feature_set.name}:",
        "entity": list(feature_set.entity),
        "entity_types": [feature_set.source.column(name).type for name in feature_set.entity],
        "features": [_feature(feature_set, feature) for feature in feature_set.features],
        "length_ms": milliseconds(feature_set.window.length),
    }
    return json.dumps(told)


def _feature(feature_set: FeatureSet, feature: Feature) -> dict[str, Any]:
    told: dict[str, Any] = {"name": feature.name, "kind": "over_rows", "type": "number", "unit_ms": 0}
    if isinstance(feature, Derived):
        return {**told, "kind": "derived", "digits": feature.digits, "expression": _expression(feature.expression)}
    if isinstance(feature, Behavioural):
        frequency = feature.measure == "frequency"
        return {
            **told,
            "kind": feature.measure,
            "digits": feature.digits,
            "unit_ms": UNIT_MS[feature.unit] if frequency else 0,
        }
    is_value = isinstance(feature, PointInTime) or feature.aggregate in ("min", "max", "first", "last")
    return {**told, "type": feature_set.source.column(str(feature.column)).type if is_value else "number"}


def _expression(expression: Expression) -> dict[str, Any]:
    if isinstance(expression, FeatureReference):
        return {"feature": expression.name}
    if isinstance(expression, DecimalLiteral):
        return {"number": expression.value}
    if isinstance(expression, TextLiteral):
        return {"text": expression.value}
    if isinstance(expression, Call):
        return {"function": expression.function, "arguments": [_expression(one) for one in expression.arguments]}
    return {"operator": expression.operator, "arguments": [_expression(expression.left), _expression(expression.right)]}
