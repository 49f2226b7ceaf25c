"""Messages of the features topic: what real-time batches publish, and how it comes to the offline store.

A message is the newest state of a window. Its key is `customer:42:features@001761696000` (the online key, and the
window's start in seconds). Its value is JSON: `key` and `window`; `run` and `batch` that published it, and `count`, how
many changes of that batch the window has taken by then, so that batch and count order the messages of a window;
`payload` for the online store's script, empty when no row is left; `row` for the offline store; `source_ms`, when the
newest change came to Kafka; `duplicates` of the batch. A truncate's has no `key`, and its position as `truncated`.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import DateType, LongType, StringType, StructField, StructType, TimestampType

from cdc_features import sql
from cdc_features.checkpoint import Batch
from cdc_features.feature_set import FeatureSet
from cdc_features.features import row_schema
from cdc_features.files import staged
from cdc_features.finishing import declared
from cdc_features.offline import StagedPart
from cdc_features.report import Report
from cdc_features.session import java

# Clocks of executors and brokers may differ by as much.
_SKEW = timedelta(minutes=1)
_STAGED = "report string, part string, base_part string"
_STAGED_SCHEMA = pa.schema([(name, pa.string()) for name in ("report", "part", "base_part")])


def messages(groups: DataFrame, feature_set: FeatureSet) -> DataFrame:
    """A rendered job's groups in; out, a `key` and a `value` for each, as Kafka takes them."""
    spark = groups.sparkSession
    session: Any = spark._jsparkSession
    name = f"cdc_features_publish_{feature_set.name}"
    publish = java(spark, "Publication")(declared(feature_set))
    message = _struct(dict.fromkeys(("key", "value"), StringType()))
    session.udf().register(name, publish, session.parseDataType(message.json()))
    start, end = "unix_micros(window.start)", "unix_micros(window.end)"
    return groups.selectExpr(f"{sql.name(name)}(entity, {start}, {end}, fold) AS message").select("message.*")


def took_truncate(spark: SparkSession) -> bool:
    """Whether a truncate of the table was published in this process since this was asked last."""
    return bool(java(spark, "Publication").tookTruncate())


def published(
    spark: SparkSession, kafka: dict[str, str], topic: str, run: str, batch: Batch, since: datetime
) -> DataFrame:
    """The newest message of each window that `run` published in a batch begun at `since`, as columns."""
    schema = _struct(
        {
            **dict.fromkeys(("key", "window", "run"), StringType()),
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
    newest = F.max_by(F.struct("row", "duplicates"), "count").alias("newest")
    return mine.groupBy("key", "window").agg(newest).select("key", "window", "newest.*")


def stage(newest: DataFrame, feature_set: FeatureSet, batch: Batch, staging: str) -> Report:
    """Stages `published` rows as parts of the offline store's file of the batch."""
    types = from_arrow_schema(row_schema(feature_set))
    texts = _struct({field.name: StringType() for field in types})
    parsed = newest.withColumn("row", F.from_json("row", texts))
    columns = [_typed(field) for field in types if field.name != "batch_id"]
    rows = parsed.selectExpr(*columns, f"{batch.version}L AS batch_id", "duplicates")
    report = Report()
    entity = [sql.name(name) for name in feature_set.entity]
    tasks = rows.sortWithinPartitions(*entity, "window_start").mapInArrow(_stager(feature_set, staging), _STAGED)
    for task in staged(tasks, {"part": staging}).collect():
        report.add(json.loads(task["report"]), task["part"], task["base_part"])
    return report


def _stager(feature_set: FeatureSet, staging: str) -> Any:
    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        part, schema = StagedPart(staging, row_schema(feature_set)), row_schema(feature_set)
        entities: set[Any] = set()
        duplicates = 0
        try:
            for rows in batches:
                if rows.num_rows == 0:
                    continue
                duplicates += sum(rows.column("duplicates").to_pylist())
                entities.update(zip(*(rows.column(name).to_pylist() for name in feature_set.entity), strict=True))
                columns = [rows.column(field.name).cast(field.type) for field in schema]
                part.write(pa.RecordBatch.from_arrays(columns, schema=schema))
            path = part.close()
        except BaseException:
            part.discard()
            raise
        report = {"entities": len(entities), "duplicates": duplicates, "examples": [], "truncated": None}
        told = zip(_STAGED_SCHEMA.names, (json.dumps(report), path, None), strict=True)
        yield pa.RecordBatch.from_pydict({name: [value] for name, value in told}, schema=_STAGED_SCHEMA)

    return run


def _typed(field: StructField) -> str:
    text = f"row.{sql.name(field.name)}"
    if isinstance(field.dataType, TimestampType):
        value = f"timestamp_micros(CAST({text} AS BIGINT))"
    elif isinstance(field.dataType, DateType):
        value = f"date_from_unix_date(CAST({text} AS INT))"
    else:
        value = f"CAST({text} AS {field.dataType.simpleString()})"
    return f"{value} AS {sql.name(field.name)}"


def _struct(fields: dict[str, Any]) -> StructType:
    return StructType([StructField(name, type) for name, type in fields.items()])
