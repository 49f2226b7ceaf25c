"""The pattern that tutorials show, for comparison only: a native window aggregate with Spark's 200 partitions,
`collect()`, one HSET per row, and a Parquet append. Wrong on updates, deletes and duplicates."""

from pathlib import Path

import redis
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

_EVENT = (
    "op STRING, after STRUCT<order_id BIGINT, customer_id BIGINT, product_id BIGINT, quantity INT, "
    "total_amount STRING, created_at STRING>"
)


def run(bootstrap: str, topic: str, redis_url: str, folder: Path) -> dict[str, float]:
    """Works off the topic; records and seconds of the query."""
    spark = SparkSession.builder.appName("plain pattern").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    orders = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .load()
        .select(F.from_json(F.col("value").cast("string"), _EVENT).alias("event"))
        .where("event.op IN ('c', 'r', 'u')")
        .select("event.after.*")
        .withColumn("created_at", F.to_timestamp("created_at"))
        .withColumn("total_amount", F.expr("CAST(total_amount AS DECIMAL(12, 2))"))
    )
    features = (
        orders.withWatermark("created_at", "60 days")
        .groupBy("customer_id", F.window("created_at", "30 days"))
        .agg(
            F.count("*").alias("order_count_30d"),
            F.sum("total_amount").alias("total_spend_30d"),
            F.max("created_at").alias("last_order"),
        )
    )

    def write(rows: DataFrame, batch_id: int) -> None:
        client = redis.Redis.from_url(redis_url)
        for row in rows.collect():
            client.hset(
                f"plain:{row['customer_id']}:features",
                mapping={
                    "order_count_30d": row["order_count_30d"],
                    "total_spend_30d": str(row["total_spend_30d"]),
                    "last_order": row["last_order"].isoformat(),
                },
            )
        rows.withColumn("batch_id", F.lit(batch_id)).write.mode("append").parquet(str(folder / "features"))

    query = (
        features.writeStream.outputMode("update")
        .option("checkpointLocation", str(folder / "checkpoint"))
        .foreachBatch(write)
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    progress = query.recentProgress
    return {
        "records": sum(p["numInputRows"] for p in progress),
        "seconds": sum(p["batchDuration"] for p in progress) / 1000,
    }
