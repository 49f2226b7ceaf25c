"""The pattern that tutorials show, for comparison only: a native window aggregate with Spark's 200 partitions,
`collect()`, one HSET per row, and a Parquet append. Wrong on updates, deletes and duplicates.

`cdc-features bench` submits it. Settings: `kafka`, `topic`, `redis` (a URL), `folder`, `stop_file`, and `live`: to go
on with what comes, as fast as batches follow each other, instead of ending at the topic's end.
"""

from pathlib import Path
from typing import Any

import measured
import redis
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

_EVENT = (
    "op STRING, after STRUCT<order_id BIGINT, customer_id BIGINT, product_id BIGINT, quantity INT, "
    "total_amount STRING, created_at STRING>"
)
# Debezium's bytes of the unscaled number, which here is never below zero.
_AMOUNT = "CAST(CAST(conv(hex(unbase64(total_amount)), 16, 10) AS DECIMAL(14, 0)) / 100 AS DECIMAL(12, 2))"


def plain(settings: dict[str, Any]) -> dict[str, float]:
    spark = SparkSession.builder.appName("plain pattern").getOrCreate()
    measured.started(spark)
    orders = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", settings["kafka"])
        .option("subscribe", settings["topic"])
        .option("startingOffsets", "earliest")
        .load()
        .select(F.from_json(F.col("value").cast("string"), _EVENT).alias("event"))
        .where("event.op IN ('c', 'r', 'u')")
        .select("event.after.*")
        .withColumn("created_at", F.to_timestamp("created_at"))
        .withColumn("total_amount", F.expr(_AMOUNT))
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
    folder = Path(settings["folder"])

    def write(rows: DataFrame, batch_id: int) -> None:
        client = redis.Redis.from_url(settings["redis"])
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

    stream = (
        features.writeStream.outputMode("update")
        .option("checkpointLocation", str(folder / "checkpoint"))
        .foreachBatch(write)
    )
    trigger = stream.trigger(processingTime="0 seconds") if settings["live"] else stream.trigger(availableNow=True)
    return measured.follow(trigger.start(), settings["stop_file"])


if __name__ == "__main__":
    measured.main(plain)
