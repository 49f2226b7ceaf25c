"""Ageing: the stores made right as of now, also for entities that get no events.

Windowed sets: each entity's kept windows are taken from the Parquet history, what depends on now is computed again, and
they are written to Redis with their own versions. So nothing goes back, expired windows and keys go away, and flushed
keys come back. Where Redis was also written alone its versions may be ahead of an unchanged history: then what was
stored up to the newest batch is replaced, and keeps its version.

Sets as of now: each entity's rows are taken from the groups kept beside the history. Redis gets every entity,
Parquet a row for each that is not as its newest row says.
"""

from collections.abc import Callable
from datetime import datetime

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from cdc_features.checkpoint import Batch
from cdc_features.feature_set import FeatureSet
from cdc_features.features import micros
from cdc_features.history import newest_base, newest_known, newest_rows
from cdc_features.offline import OfflineStore
from cdc_features.online import drop_expired, expired_start
from cdc_features.references import References
from cdc_features.report import Report
from cdc_features.settings import Settings
from cdc_features.sinks import Target, write
from cdc_features.windows import container_start


def refresh(
    spark: SparkSession,
    feature_set: FeatureSet,
    store: OfflineStore,
    settings: Settings,
    last: Batch,
    now: datetime,
    *,
    in_step: bool = True,
    just_written: bool = False,
    also_unchanged: bool = False,
) -> Report:
    """Brings the stores from `last`, the newest committed batch, to `now`; one Spark job.

    `in_step` says that both stores were always written together; `just_written` that this very run wrote `last` to
    Redis and nothing takes that back: unless the day has turned, its rows are right. `also_unchanged` has the history
    of a set as of now take all rows, for the bounds of their windows.
    """
    if feature_set.as_of_now:
        return _age(spark, feature_set, store, settings, last, now, also_unchanged)
    is_right = F.lit(just_written) & (F.col("batch_id") == last.version)
    is_right &= F.to_date("created_timestamp") == F.lit(now.date())

    def serve(target: Target) -> Report:
        windows = newest_rows(spark, feature_set, store)
        return write(_served(windows, feature_set, target.expired, is_right), feature_set, target)

    return refresh_windows(feature_set, store, settings, last, now, serve, in_step=in_step)


def refresh_windows(
    feature_set: FeatureSet,
    store: OfflineStore,
    settings: Settings,
    last: Batch,
    now: datetime,
    serve: Callable[[Target], Report],
    *,
    in_step: bool,
) -> Report:
    """Of a set with one window: `serve` writes the history's newest windows to a target."""
    if not settings.writes_redis:
        return Report()
    expired = expired_start(feature_set, last.watermark_ms)
    if not settings.writes_parquet:
        # Without a history there is nothing to age, but what is no longer kept has to go.
        drop_expired(feature_set, settings.redis, expired)
        return Report()
    if not store.has_history():
        return Report()
    as_of = 0 if in_step else last.version
    return serve(Target(now=now, expired=expired, as_of=as_of, redis=settings.redis))


def _served(windows: DataFrame, feature_set: FeatureSet, expired: int, is_right: Column) -> DataFrame:
    """An entity's newest window goes along even when expired: the script then clears what is left of it. So do the
    others where one has expired since it was written."""
    entity = Window.partitionBy(*feature_set.entity)
    kept = F.unix_seconds("window_start") > expired
    columns = {"_newest": F.max("window_start").over(entity), "_cleared": F.max(is_right & ~kept).over(entity)}
    due = (kept | (F.col("window_start") == F.col("_newest"))) & (~is_right | F.col("_cleared"))
    return windows.withColumns(columns).where(due).drop(*columns).sortWithinPartitions(*feature_set.entity)


def _age(
    spark: SparkSession,
    feature_set: FeatureSet,
    store: OfflineStore,
    settings: Settings,
    last: Batch,
    now: datetime,
    also_unchanged: bool,
) -> Report:
    if not store.has_base():
        return Report()
    start = container_start(feature_set, micros(now))
    in_use = F.lit(True) if start is None else F.col("container_start") == F.timestamp_micros(F.lit(start))
    base = newest_base(spark, feature_set, store)
    nothing = base.schema["rows"].dataType
    # An entity that has rows in older containers only may still be served.
    used = F.max_by(F.when(in_use, F.col("rows")), F.when(in_use, F.lit(1)))
    groups = base.groupBy(*feature_set.entity).agg(F.coalesce(used, F.array().cast(nothing)).alias("rows"))
    known = F.lit(None)
    if (settings.writes_parquet and store.has_history()) or store.has_quarantine():
        rows = newest_known(spark, feature_set, store)
        row = F.struct(*(name for name in rows.columns if name not in feature_set.entity)).alias("known")
        groups = groups.join(rows.select(*feature_set.entity, row), on=list(feature_set.entity), how="left")
        known = F.col("known")
    groups = groups.withColumn("known", known).withColumn("batch_id", F.lit(last.version).cast("bigint"))
    target = Target(
        now=now,
        expired=expired_start(feature_set, last.watermark_ms),
        as_of=last.version,
        version=last.version,
        redis=settings.redis if settings.writes_redis else None,
        staging=store.staging(last) if settings.writes_parquet else None,
        held_staging=store.held_staging(last) if feature_set.validation else None,
        references=References(feature_set, store).at(last.version),
        ageing=True,
        also_unchanged=also_unchanged,
    )
    report = write(groups.sortWithinPartitions(*feature_set.entity), feature_set, target)
    store.commit_held(last, report.held_parts, micros(now))
    store.commit_aged(last, micros(now), report.parts)
    return report
