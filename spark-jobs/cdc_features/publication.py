"""Messages of the features topic: what real-time batches publish, and how it comes to the offline store.

A message is the newest state of a window. Its key is `customer:42:features@001761696000` (the online key, and the
window's start in seconds). Its value is JSON: `key` and `window`; `run` and `batch` that published it, and `count`, how
many changes of that batch the window has taken by then, so that batch and count order the messages of a window;
`payload` for the online store's script, empty when no row is left; `row` for the offline store; `source_ms`, when the
newest change came to Kafka; `duplicates` of the batch. A truncate's has no `key`, and its position as `truncated`.
"""

from datetime import datetime, timedelta, timezone

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import DateType, LongType, StringType, StructField, TimestampType

from cdc_features import sql
from cdc_features.checkpoint import Batch
from cdc_features.feature_set import FeatureSet
from cdc_features.features import row_schema
from cdc_features.finishing import declared
from cdc_features.report import Report
from cdc_features.session import java, java_function
from cdc_features.sinks import Target, write
from cdc_features.truncation import in_order

# Clocks of executors and brokers may differ by as much.
_SKEW = timedelta(minutes=1)


def messages(groups: DataFrame, feature_set: FeatureSet) -> DataFrame:
    """A rendered job's groups in; out, a `key` and a `value` for each, as Kafka takes them."""
    message = sql.struct(dict.fromkeys(("key", "value"), StringType()))
    publish = java_function(groups.sparkSession, "Publication", declared(feature_set), message)
    start, end = "unix_micros(window.start)", "unix_micros(window.end)"
    return groups.selectExpr(f"{publish}(entity, {start}, {end}, fold) AS message").select("message.*")


def took_truncate(spark: SparkSession) -> bool:
    """Whether a truncate of the table was published in this process since this was asked last."""
    return bool(java(spark, "Publication").tookTruncate())


def published(
    spark: SparkSession, kafka: dict[str, str], topic: str, run: str, batch: Batch, since: datetime
) -> DataFrame:
    """The newest message of each window that `run` published in a batch begun at `since`, as columns."""
    schema = sql.struct(
        {
            **dict.fromkeys(("key", "window", "run", "payload"), StringType()),
            **dict.fromkeys(("batch", "count", "duplicates"), LongType()),
            "row": StringType(),
        }
    )
    read = (
        spark.read.format("kafka")
        .options(**kafka)
        .option("subscribe", topic)
        .option("startingTimestamp", str(int((since - _SKEW).timestamp() * 1000)))
        .option("startingOffsetsByTimestampStrategy", "latest")
        .option("endingOffsets", "latest")
        .option("failOnDataLoss", "false")
        .load()
    )
    told = read.select(F.from_json(F.col("value").cast("string"), schema).alias("told")).select("told.*")
    mine = told.where((F.col("run") == run) & (F.col("batch") == batch.id) & F.col("key").isNotNull())
    newest = F.max_by(F.struct("row", "payload", "duplicates"), "count").alias("newest")
    return mine.groupBy("key", "window").agg(newest).select("key", "window", "newest.*")


def stage(
    newest: DataFrame, feature_set: FeatureSet, batch: Batch, staging: str, held_staging: str | None = None
) -> Report:
    """Stages `published` rows as parts of the offline store's file of the batch. They are judged where there is a place
    for rows to be held at, though none is: Redis has them already, so that rules can only warn."""
    types = from_arrow_schema(row_schema(feature_set))
    texts = sql.struct({field.name: StringType() for field in types})
    columns = [_typed(field) for field in types if field.name != "batch_id"]
    rows = newest.withColumn("row", F.from_json("row", texts)).selectExpr(
        *columns, "key", "payload", "duplicates", "CAST(NULL AS STRUCT<lsn: BIGINT>) AS truncated"
    )
    # Redis has them already, from the command.
    now = datetime.now(timezone.utc)
    target = Target(now, expired=0, version=batch.version, staging=staging, held_staging=held_staging)
    return write(in_order(rows, feature_set, few_records=True), feature_set, target)


def _typed(field: StructField) -> str:
    text = f"row.{sql.name(field.name)}"
    if isinstance(field.dataType, TimestampType):
        value = f"timestamp_micros(CAST({text} AS BIGINT))"
    elif isinstance(field.dataType, DateType):
        value = f"date_from_unix_date(CAST({text} AS INT))"
    else:
        value = f"CAST({text} AS {field.dataType.simpleString()})"
    return f"{value} AS {sql.name(field.name)}"
