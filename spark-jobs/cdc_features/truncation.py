"""What becomes of all groups when their table was truncated."""

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdc_features import sql
from cdc_features.feature_set import FeatureSet
from cdc_features.history import newest_base, newest_rows
from cdc_features.offline import OfflineStore
from cdc_features.position import Position
from cdc_features.settings import Settings
from cdc_features.windows import length_ms


def in_order(groups: DataFrame, feature_set: FeatureSet, few_records: bool = False) -> DataFrame:
    """All groups of an entity in one task and one after the other, so that the online store takes them in one step.

    What `few_records` have changed is not worth a stage of its own: one task works off the state's partitions.
    """
    entity = [sql.name(name) for name in feature_set.entity]
    together = groups.coalesce(1) if few_records else groups.repartition(*entity)
    return together.sortWithinPartitions(*entity, "window_start")


def newest_truncate(groups: pa.Table) -> Position | None:
    """Of those that groups tell in their column `truncated`."""
    return max((Position(**told) for told in groups.column("truncated").drop_null().to_pylist()), default=None)


def groups_after_truncate(
    replayed: DataFrame, feature_set: FeatureSet, store: OfflineStore, settings: Settings, expired: int
) -> DataFrame:
    """All kept groups of `replayed`, which is the whole log folded again, and empty ones for others that the stores
    know (of records that the log no longer has); without a history the caller sees to these."""
    keys = [*feature_set.entity, "window_start"]
    kept = f"window_start IS NULL OR unix_seconds(window_start) > {expired}"
    folded = replayed.where(f"truncated IS NULL AND ({kept})")
    stored = _stored(replayed.sparkSession, feature_set, store, settings)
    if stored is None:
        return folded
    same = [stored[name].eqNullSafe(folded[name]) for name in keys]
    length = length_ms(feature_set)
    gone = (
        stored.where(kept)
        .join(folded, on=same, how="left_anti")
        .withColumn("window_end", F.timestamp_millis(F.unix_millis("window_start") + length) if length else F.lit(None))
        .selectExpr(*(sql.name(name) for name in keys), "window_end")
    )
    every = folded.unionByName(gone, allowMissingColumns=True)
    if feature_set.as_of_now:
        return every.withColumn("rows", F.coalesce("rows", F.array()))
    return every.withColumn("is_deleted", F.coalesce("is_deleted", F.lit(True)))


def _stored(spark: SparkSession, feature_set: FeatureSet, store: OfflineStore, settings: Settings) -> DataFrame | None:
    """Entity and `window_start` of the groups that have rows as far as the stores know."""
    if feature_set.as_of_now:
        if not store.has_base():
            return None
        base = newest_base(spark, feature_set, store).where("size(rows) > 0")
        return base.withColumnRenamed("container_start", "window_start").drop("rows")
    if not settings.writes_parquet or not store.has_history():
        return None
    return newest_rows(spark, feature_set, store).where("NOT is_deleted").select(*feature_set.entity, "window_start")
