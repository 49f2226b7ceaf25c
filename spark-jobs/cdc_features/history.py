"""What the offline store knows: the newest row of each window, and the newest groups of sets as of now."""

import re

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from cdc_features.feature_set import FeatureSet
from cdc_features.features import base_schema, row_schema
from cdc_features.files import for_spark
from cdc_features.offline import OfflineStore


def newest_rows(spark: SparkSession, feature_set: FeatureSet, store: OfflineStore) -> DataFrame:
    """The newest row (`row_schema`) of each entity and window; of each entity in a set as of now."""
    keys = [*feature_set.entity, *([] if feature_set.as_of_now else ["window_start"])]
    order = F.struct("batch_id", "created_timestamp")
    return _newest(_rows(spark, store.location, row_schema(feature_set)), feature_set, keys, order)


def newest_known(spark: SparkSession, feature_set: FeatureSet, store: OfflineStore) -> DataFrame:
    """The newest row (`row_schema`) of each entity and window, or entity in a set as of now, and in `held` whether it
    is one that was kept from the stores. At least one of the two has rows."""
    schema = row_schema(feature_set)
    found = []
    if store.has_history():
        found.append(_rows(spark, store.location, schema).withColumn("held", F.lit(False)))
    if store.has_quarantine():
        found.append(_rows(spark, store.quarantine_location, schema).withColumn("held", F.lit(True)))
    every = found[0] if len(found) == 1 else found[0].unionByName(found[1])
    keys = [*feature_set.entity, *([] if feature_set.as_of_now else ["window_start"])]
    return _newest(every, feature_set, keys, F.struct("batch_id", "created_timestamp"))


def rows_before(spark: SparkSession, feature_set: FeatureSet, store: OfflineStore, version: int) -> DataFrame | None:
    """The newest row of each entity and window, or entity, by the batches before this one; None without any."""
    if not store.has_history():
        return None
    keys = [*feature_set.entity, *([] if feature_set.as_of_now else ["window_start"])]
    rows = _rows(spark, store.location, row_schema(feature_set)).where(F.col("batch_id") < version)
    return _newest(rows, feature_set, keys, F.struct("batch_id", "created_timestamp"))


def newest_base(spark: SparkSession, feature_set: FeatureSet, store: OfflineStore) -> DataFrame:
    """The newest group (`base_schema`) of each entity and container."""
    keys = [*feature_set.entity, "container_start"]
    rows = _rows(spark, store.base_location, base_schema(feature_set))
    return _newest(rows, feature_set, keys, F.col("batch_id"))


def _rows(spark: SparkSession, location: str, schema: pa.Schema) -> DataFrame:
    # Spark takes a path for a pattern.
    escaped = re.sub(r"([\\*?\[\]{}])", r"\\\1", for_spark(location))
    return spark.read.schema(from_arrow_schema(schema)).parquet(escaped)


def _newest(rows: DataFrame, feature_set: FeatureSet, keys: list[str], order: Column) -> DataFrame:
    row = F.struct(*(column for column in rows.columns if column not in keys))
    # Partitioned by entity alone, one shuffle serves this and what follows per entity.
    return (
        rows.repartition(*feature_set.entity)
        .groupBy(*keys)
        .agg(F.max_by(row, order).alias("_row"))
        .select(*keys, "_row.*")
    )
