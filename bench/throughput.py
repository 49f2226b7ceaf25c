"""Bulk throughput in one run, side by side: the plain pattern, the exact job, and reading and parsing alone.

    python bench/throughput.py BOOTSTRAP REDIS_URL [EVENTS [CUSTOMERS]]

Makes a topic of Debezium envelopes without schemas (inserts over 25 days, amounts as text), seeded, and works it off
with each way in a Spark of its own (`local[2]`, 3 GB), which gets the topic's records in one go. Prints one line of
JSON per way: records, seconds of the query without Spark's start, records per second, and the ratio to the plain
pattern. Run it with the Python of the Spark venv, `spark-jobs` on PYTHONPATH, and the Kafka connector's jars in
CDC_FEATURES_TEST_SPARK_JARS.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from cdc_features.session import LIBRARY

_START, _SECONDS = 1_793_664_000, 25 * 86_400  # within one 30-day window
_MEMORY = "3g"
# As `run` has it for so many events (src/stack/embedded/spark-runtime.ts).
_JVM = (
    "-XX:+UseParallelGC -XX:Tier4InvocationThreshold=100000 -XX:Tier4MinInvocationThreshold=12000 "
    "-XX:Tier4CompileThreshold=300000 -XX:Tier4BackEdgeThreshold=800000"
)


def session(name: str) -> SparkSession:
    return (
        SparkSession.builder.master("local[2]")
        .appName(name)
        .config("spark.driver.memory", _MEMORY)
        .config("spark.driver.extraJavaOptions", _JVM)
        .config("spark.driver.extraClassPath", os.environ["CDC_FEATURES_TEST_SPARK_JARS"])
        .config("spark.jars", str(LIBRARY))
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )


def produce(bootstrap: str, topic: str, events: int, customers: int) -> None:
    spark = session("produce")
    spark.sparkContext.setLogLevel("ERROR")
    jvm: Any = spark.sparkContext._jvm
    admin = jvm.org.apache.kafka.clients.admin.AdminClient.create(jvm.java.util.Map.of("bootstrap.servers", bootstrap))
    new_topic = jvm.org.apache.kafka.clients.admin.NewTopic(topic, 2, 1)
    admin.createTopics(jvm.java.util.List.of(new_topic)).all().get()
    admin.close()
    created = f"timestamp_seconds({_START} + pmod(xxhash64(id, 4), {_SECONDS}))"
    order = f"""named_struct(
        'order_id', id,
        'customer_id', 1 + pmod(xxhash64(id, 1), {customers}),
        'product_id', 1 + pmod(xxhash64(id, 2), 500),
        'quantity', 1 + pmod(hash(id), 5),
        'total_amount', CAST(CAST(pmod(xxhash64(id, 3), 50000) AS DECIMAL(12, 2)) / 100 AS STRING),
        'status', 'placed',
        'created_at', date_format({created}, "yyyy-MM-dd'T'HH:mm:ss'Z'"),
        'updated_at', '2026-11-20T00:00:00.000000Z')"""
    source = """named_struct(
        'version', '3.3.1.Final', 'connector', 'postgresql', 'name', 'shop', 'ts_ms', 1795176000000L,
        'snapshot', 'false', 'db', 'shop',
        'sequence', concat('["', 20000000 + id * 200, '","', 20000000 + id * 200 + 56, '"]'),
        'schema', 'public', 'table', 'orders', 'txId', 700 + id, 'lsn', 20000000 + id * 200 + 56, 'xmin', null)"""
    envelope = f"""to_json(
        named_struct('before', null, 'after', {order}, 'source', {source}, 'transaction', null, 'op', 'c',
            'ts_ms', 1795176000123L),
        map('ignoreNullFields', 'false'))"""
    (
        spark.range(events)
        .selectExpr("to_json(named_struct('order_id', id)) AS key", f"{envelope} AS value")
        .write.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("kafka.linger.ms", "20")
        .option("topic", topic)
        .save()
    )
    spark.stop()


def plain(bootstrap: str, topic: str, redis_url: str, folder: Path) -> dict[str, float]:
    from plain_pattern import run

    session("plain")
    return run(bootstrap, topic, redis_url, folder)


def parse(bootstrap: str, topic: str, redis_url: str, folder: Path) -> dict[str, float]:
    """The job's own decoding of every record, and nothing after it."""
    import customer_features
    from cdc_features.debezium import row_changes
    from cdc_features.session import open_session

    session("parse")
    spark = open_session("parse")
    spark.sparkContext.setLogLevel("ERROR")
    records = spark.read.format("kafka").option("kafka.bootstrap.servers", bootstrap).option("subscribe", topic).load()
    started = time.monotonic()
    records.transform(row_changes(customer_features.FEATURE_SET)).write.format("noop").mode("overwrite").save()
    seconds = time.monotonic() - started
    return {"records": records.count(), "seconds": seconds}


def exact(bootstrap: str, topic: str, redis_url: str, folder: Path) -> dict[str, float]:
    """The shipped job as `run` starts it."""
    import customer_features
    from cdc_features.job import Job
    from cdc_features.session import open_session
    from cdc_features.settings import Redis, Settings

    session("exact")
    spark = open_session("exact")
    spark.sparkContext.setLogLevel("ERROR")
    settings = Settings(
        run_id="throughput",
        kafka=bootstrap,
        kafka_options={},
        topic_prefix=topic.removesuffix(".public.orders"),
        redis=Redis(redis_url),
        offline_root=str(folder / "offline"),
        checkpoint=str(folder / "checkpoint"),
        sink="dual",
        continuous=False,
        trigger_interval="0 seconds",
        max_batch_records=1_000_000,
        mode="micro-batch",
        features_topic=None,
        realtime_batch="",
        stop_file=str(folder / "stop"),
        dead_letters=str(folder / "dead"),
        report=None,
        plan=None,
    )
    job = Job(spark, customer_features.FEATURE_SET, settings, customer_features.build)
    account: list[dict[str, Any]] = []
    add = job._tally.add

    def timed(progress: dict[str, Any], *more: Any) -> None:
        account.append(progress)
        add(progress, *more)

    job._tally.add = timed  # type: ignore[method-assign]
    job.run()
    return {
        "records": sum(p["numInputRows"] for p in account),
        "seconds": sum(p["batchDuration"] for p in account) / 1000,
    }


WAYS = {"plain pattern": plain, "read and parse": parse, "exact job": exact}


def main(bootstrap: str, redis_url: str, events: int = 1_000_000, customers: int = 100_000) -> None:
    topic = f"bench-{events}-{customers}-{os.getpid()}.public.orders"
    subprocess.run([sys.executable, __file__, "--produce", bootstrap, topic, str(events), str(customers)], check=True)
    baseline = None
    for way in WAYS:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--way", way, bootstrap, topic, redis_url, folder]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        result = json.loads(done.stdout.splitlines()[-1])
        rate = result["records"] / result["seconds"]
        baseline = baseline or rate
        print(
            json.dumps({"way": way, **result, "per_second": round(rate), "ratio": round(rate / baseline, 2)}),
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1] == "--produce":
        produce(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    elif sys.argv[1] == "--way":
        print("\n" + json.dumps(WAYS[sys.argv[2]](*sys.argv[3:6], Path(sys.argv[6]))))
    else:
        main(*sys.argv[1:3], *(int(number) for number in sys.argv[3:]))
