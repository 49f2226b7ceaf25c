"""The state of a group (an entity's rows in a window): every version of its rows seen so far, as a set.

A set does not mind the order of arrival, and picking the highest version of each row does not mind duplicates, so the
fold is exact however the log is replayed. Spark's watermark evicts a group's state as a whole.
"""

from collections.abc import Callable

from pyspark.sql import Column as C
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdc_features import sql
from cdc_features.checkpoint import Batch
from cdc_features.feature_set import FeatureSet
from cdc_features.position import Position


def row_versions() -> C:
    """The aggregate `row_versions`: array of struct(key, version, gone, values, at)."""
    return F.collect_set("row").alias("row_versions")


def live_rows(feature_set: FeatureSet, batch: Batch, truncated: Position | None) -> Callable[[DataFrame], DataFrame]:
    """Groups with `row_versions` in; out: the entity's columns, `window_start`, `window_end`, `rows` and the batch's
    `duplicates` and `truncated`.

    `rows` are the rows that exist, as struct(event_time, keys, values); a group that lost its last row stays, with an
    empty array: the stores have to learn of it. Rows older than `truncated` are gone. `duplicates` counts the batch's
    records that brought nothing new. The group of a truncate has no entity, and its version as `truncated`.
    """
    # Sorted by (key, version), a version is its row's newest when the next element is another row's, and one that
    # was seen before when the previous element is the same.
    following, previous = "get(row_versions, i + 1)", "get(row_versions, i - 1)"
    counts = f"row.version > {truncated.sql}" if truncated else "true"
    event_time = sql.name(feature_set.source.event_time)
    newest = f"filter(row_versions, (row, i) -> NOT row.gone AND {counts} AND NOT ({following}.key <=> row.key))"
    live = f"transform({newest}, row -> struct(row.values.{event_time} AS event_time, row.key AS keys, row.values))"
    again = f"i > 0 AND {previous}.key <=> row.key AND {previous}.version = row.version"
    duplicates = f"size(filter(row_versions, (row, i) -> {_is_of(batch)} AND {again}))"
    nobody = f"entity.{sql.name(feature_set.entity[0])} IS NULL"
    versions = "array_max(transform(row_versions, row -> row.version))"

    def transform(groups: DataFrame) -> DataFrame:
        return (
            groups.withColumn("row_versions", F.sort_array("row_versions"))
            .withColumn("truncated", F.expr(f"CASE WHEN {nobody} THEN {versions} END"))
            .selectExpr(
                "entity.*",
                "window.start AS window_start",
                "window.end AS window_end",
                f"{live} AS rows",
                f"{duplicates} AS duplicates",
                "truncated",
            )
        )

    return transform


def _is_of(batch: Batch) -> str:
    """Whether a version came with the batch and is to be counted in this group."""
    starts = ", ".join(f"{partition}, {start}L" for partition, (start, _) in batch.ranges.items())
    first = f"try_element_at(map({starts}), row.at.partition)" if starts else "NULL"
    return f"row.at.home = coalesce(unix_micros(window.start), 0L) AND row.at.offset >= coalesce({first}, 0L)"
