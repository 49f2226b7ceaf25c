"""A sink of your own: features of customers from Debezium's topic, written to Redis by foreachBatch.

cdc-features exec python own_sink.py
cdc-features verify own_customer --values-only
"""

import base64
import os
from collections.abc import Iterable
from decimal import Decimal

import redis
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

FOLDER = "own_sink"
ORDER = "STRUCT<order_id BIGINT, customer_id BIGINT, total_amount STRING, created_at STRING>"
EVENT = f"op STRING, before {ORDER}, after {ORDER}, source STRUCT<lsn BIGINT>"

spark = SparkSession.builder.appName("own sink").config("spark.sql.session.timeZone", "UTC").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")


@F.udf("decimal(12,2)")
def amount(text):
    """Debezium sends a NUMERIC as the base64 of its unscaled whole number."""
    return None if text is None else Decimal(int.from_bytes(base64.b64decode(text), "big", signed=True)).scaleb(-2)


def versions(events: DataFrame) -> DataFrame:
    """Each event as a version of its order; a deleted one keeps its number and nothing else."""
    return events.select(
        F.coalesce("after.order_id", "before.order_id").alias("order_id"),
        F.col("source.lsn").alias("lsn"),
        F.col("after.customer_id").alias("customer_id"),
        amount("after.total_amount").alias("total_amount"),
        F.to_timestamp("after.created_at").alias("created_at"),
    )


def newest(rows: DataFrame) -> DataFrame:
    """Of each order the version that was committed last. So neither duplicates nor repeated batches matter."""
    return rows.groupBy("order_id").agg(F.max_by(F.struct(*rows.columns), "lsn").alias("row")).select("row.*")


def features(orders: DataFrame) -> DataFrame:
    """Of each customer the latest window of 30 days that has an order."""
    count, total = F.count("*"), F.sum("total_amount")
    return (
        orders.groupBy("customer_id", F.window("created_at", "30 days").start.alias("start"))
        .agg(
            F.struct(
                count.alias("order_count_30d"),
                total.alias("total_spend_30d"),
                F.round(total / count, 2).alias("avg_order_value_30d"),
                (total > 1000).alias("is_high_value"),
            ).alias("features")
        )
        .groupBy("customer_id")
        .agg(F.max_by("features", "start").alias("features"))
    )


def to_redis(customers: Iterable[Row]) -> None:
    """A hash for each customer, all at once; a customer without orders has no key."""
    pipeline = redis.Redis.from_url(os.environ["REDIS_URL"]).pipeline()
    for customer_id, values in customers:
        key = f"own_customer:{customer_id}:features"
        pipeline.delete(key)
        if values is not None:
            texts = {name: str(value) for name, value in values.asDict().items() if value is not None}
            pipeline.hset(key, mapping={**texts, "is_high_value": texts["is_high_value"].lower()})
    pipeline.execute()


def sink(events: DataFrame, batch_id: int) -> None:
    """Orders as they are after this batch go to a folder of their own, which the next batch begins with."""
    events.persist()
    rows = versions(events)
    if batch_id > 0:
        rows = rows.unionByName(spark.read.parquet(f"{FOLDER}/orders/{batch_id - 1}"))
    newest(rows).write.mode("overwrite").parquet(f"{FOLDER}/orders/{batch_id}")
    orders = spark.read.parquet(f"{FOLDER}/orders/{batch_id}").where("customer_id IS NOT NULL")
    # An order that moved changes two customers.
    touched = events.select("before.customer_id").union(events.select("after.customer_id")).distinct().dropna()
    mine = orders.join(touched, "customer_id", "left_semi")
    touched.join(features(mine), "customer_id", "left").foreachPartition(to_redis)
    events.unpersist()


log = (
    spark.readStream.format("kafka")
    .option("kafka.bootstrap.servers", os.environ["KAFKA_BROKERS"])
    .option("subscribe", "shop.public.orders")
    .option("startingOffsets", "earliest")
    .load()
    .select(F.from_json(F.col("value").cast("string"), EVENT).alias("event"))
    .select("event.*")
    .where("op IN ('c', 'r', 'u', 'd')")
)
query = log.writeStream.foreachBatch(sink).option("checkpointLocation", f"{FOLDER}/checkpoint")
query.trigger(availableNow=True).start().awaitTermination()
print("done")
