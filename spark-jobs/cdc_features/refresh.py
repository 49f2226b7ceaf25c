"""Ageing: the online store made right as of now, also for entities that get no events.

Takes each entity's kept windows from the Parquet history, recomputes what depends on now and writes them with
their own versions. So nothing goes back, expired windows and keys go away, and flushed keys come back. Where Redis was
also written alone its versions may be ahead of an unchanged history: then what was stored up to the newest batch is
replaced, and keeps its version.
"""

import re
from datetime import datetime

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from cdc_features.checkpoint import Batch
from cdc_features.feature_set import FeatureSet
from cdc_features.features import row_schema
from cdc_features.offline import OfflineStore
from cdc_features.online import expired_start
from cdc_features.settings import Settings
from cdc_features.sinks import Report, Target, write


def refresh(
    spark: SparkSession,
    feature_set: FeatureSet,
    store: OfflineStore,
    settings: Settings,
    last: Batch,
    now: datetime,
) -> Report:
    """Rewrites the online store from the history up to `last`, the newest committed batch; one Spark job."""
    if not store.has_history():
        return Report()
    expired = expired_start(last.watermark_ms, feature_set.window.length_ms)
    entity = feature_set.entity
    # Spark takes a path for a pattern.
    location = re.sub(r"([\\*?\[\]{}])", r"\\\1", store.location)
    history = spark.read.schema(from_arrow_schema(row_schema(feature_set))).parquet(location)
    row = F.struct(*(column for column in history.columns if column not in (entity, "window_start")))
    # Partitioned by entity alone, one shuffle serves both the newest row per window and the choice of windows.
    windows = (
        history.repartition(entity)
        .groupBy(entity, "window_start")
        .agg(F.max_by(row, "batch_id").alias("_row"))
        .select(entity, "window_start", "_row.*")
    )
    # An entity's newest window goes along even when expired: the script then clears what is left of it.
    newest = F.max("window_start").over(Window.partitionBy(entity))
    kept = F.unix_seconds("window_start") > expired
    due = windows.withColumn("_newest", newest).where(kept | (F.col("window_start") == F.col("_newest")))
    as_of = 0 if settings.in_step else last.version
    target = Target(now=now, expired=expired, as_of=as_of, redis_url=settings.redis_url)
    return write(due.drop("_newest").sortWithinPartitions(entity), feature_set, target)
