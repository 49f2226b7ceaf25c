"""Ageing: the online store made right as of now, also for entities that get no events.

Takes each entity's kept windows from the Parquet history, recomputes what depends on now and writes them with
their own versions. So nothing goes back, expired windows and keys go away, and flushed keys come back.
"""

from datetime import datetime

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from cdc_features.feature_set import FeatureSet
from cdc_features.features import row_schema
from cdc_features.offline import OfflineStore
from cdc_features.online import expired_start
from cdc_features.sinks import Report, Target, write


def refresh(
    spark: SparkSession,
    feature_set: FeatureSet,
    store: OfflineStore,
    redis_url: str,
    watermark_ms: int,
    now: datetime,
) -> Report:
    """Rewrites the online store from the history; one Spark job. `watermark_ms` is Spark's (epoch)."""
    if not store.has_history():
        return Report()
    expired = expired_start(watermark_ms, feature_set.window.length_ms)
    entity = feature_set.entity
    history = spark.read.schema(from_arrow_schema(row_schema(feature_set))).parquet(store.location)
    row = F.struct(*(column for column in history.columns if column not in (entity, "window_start")))
    # Partitioned by entity alone, one shuffle serves both the newest row per window and the choice of windows.
    windows = (
        history.repartition(entity)
        .groupBy(entity, "window_start")
        .agg(F.max_by(row, "batch_id").alias("row"))
        .select(entity, "window_start", "row.*")
    )
    # An entity's newest window goes along even when expired: the script then clears what is left of it.
    newest = F.max("window_start").over(Window.partitionBy(entity))
    kept = F.unix_seconds("window_start") > expired
    due = windows.withColumn("newest", newest).where(kept | (F.col("window_start") == F.col("newest"))).drop("newest")
    return write(due, feature_set, Target(now=now, expired=expired, redis_url=redis_url))
