"""What reading the topic costs on its own: nothing is computed, and the result is dropped.

`way` is `parse`: Spark's `from_json` of the fields that the features read, which no way of working the topic off can
do without; or `decode`: the exact job's own decoding of its records. Further settings: `kafka`, `topic_prefix`,
`topic`, `folder`, `stop_file`, `max_batch_records`. `cdc-features bench` submits it.
"""

from typing import Any

import measured
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import customer_features
from cdc_features.debezium import row_changes
from cdc_features.session import open_session
from cdc_features.source import change_log

_EVENT = "op STRING, after STRUCT<order_id BIGINT, customer_id BIGINT, total_amount STRING, created_at STRING>"


def parsed(settings: dict[str, Any]) -> DataFrame:
    spark = SparkSession.builder.appName("read and parse").getOrCreate()
    return (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", settings["kafka"])
        .option("subscribe", settings["topic"])
        .option("startingOffsets", "earliest")
        # As the exact job reads (source.py).
        .option("minPartitions", spark.sparkContext.defaultParallelism)
        .load()
        .select(F.from_json(F.col("value").cast("string"), _EVENT).alias("event"))
        .select("event.op", "event.after.*")
    )


def decoded(settings: dict[str, Any]) -> DataFrame:
    spark = open_session("read and decode")
    feature_set = customer_features.FEATURE_SET
    kafka = {"kafka.bootstrap.servers": settings["kafka"]}
    log = change_log(spark, feature_set, kafka, settings["topic_prefix"], settings["max_batch_records"])
    return log.transform(row_changes(feature_set))


def read(settings: dict[str, Any]) -> dict[str, float]:
    frame = {"parse": parsed, "decode": decoded}[settings["way"]](settings)
    measured.started(frame.sparkSession)
    query = (
        frame.writeStream.format("noop")
        .option("checkpointLocation", f"{settings['folder']}/checkpoint")
        .trigger(availableNow=True)
        .start()
    )
    return measured.follow(query, settings["stop_file"])


if __name__ == "__main__":
    measured.main(read)
