"""Orders straight into a topic, as Debezium writes them: inserts without schemas, seeded.

For sizes at which Postgres and Debezium would take longer than what is measured. Settings: `kafka`, `topic`, `events`,
`entities`, `seed`, `window_start` and `seconds` (event times, UTC). `cdc-features bench` submits it.
"""

import time
from typing import Any

import measured
from pyspark.sql import SparkSession


def produce(settings: dict[str, Any]) -> dict[str, float]:
    seed, entities = settings["seed"], settings["entities"]
    spark = SparkSession.builder.appName("produce").getOrCreate()
    measured.started(spark)
    seconds = f"pmod(xxhash64(id, 4, {seed}), {settings['seconds']})"
    created = f"timestamp_seconds({settings['window_start']} + {seconds})"
    order = f"""named_struct(
        'order_id', id,
        'customer_id', 1 + pmod(xxhash64(id, 1, {seed}), {entities}),
        'product_id', 1 + pmod(xxhash64(id, 2, {seed}), 500),
        'quantity', 1 + pmod(xxhash64(id, 5, {seed}), 5),
        'total_amount', base64(unhex(lpad(hex(pmod(xxhash64(id, 3, {seed}), 50000)), 6, '0'))),
        'status', 'new',
        'created_at', date_format({created}, "yyyy-MM-dd'T'HH:mm:ss'.000000Z'"),
        'updated_at', date_format({created}, "yyyy-MM-dd'T'HH:mm:ss'.000000Z'"))"""
    source = """named_struct(
        'version', '3.3.1.Final', 'connector', 'postgresql', 'name', 'shop', 'ts_ms', 1795176000000L,
        'snapshot', 'false', 'db', 'shop',
        'sequence', concat('["', 20000000 + id * 200, '","', 20000000 + id * 200 + 56, '"]'),
        'ts_us', 1795176000000000L, 'ts_ns', 1795176000000000000L,
        'schema', 'public', 'table', 'orders', 'txId', 700 + id, 'lsn', 20000000 + id * 200 + 56, 'xmin', null)"""
    envelope = f"""to_json(
        named_struct('before', null, 'after', {order}, 'source', {source}, 'transaction', null, 'op', 'c',
            'ts_ms', 1795176000123L, 'ts_us', 1795176000123000L, 'ts_ns', 1795176000123000000L),
        map('ignoreNullFields', 'false'))"""
    started = time.monotonic()
    (
        spark.range(settings["events"])
        .selectExpr("to_json(named_struct('order_id', id)) AS key", f"{envelope} AS value")
        .write.format("kafka")
        .option("kafka.bootstrap.servers", settings["kafka"])
        .option("kafka.linger.ms", "20")
        .option("topic", settings["topic"])
        .save()
    )
    return {"records": settings["events"], "seconds": time.monotonic() - started, "batches": 1}


if __name__ == "__main__":
    measured.main(produce)
