"""The Spark session of a job: what exactness needs, and what streaming needs unless spark-submit said otherwise."""

import atexit
import hashlib
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from py4j.java_gateway import JavaPackage
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from cdc_features.settings import SECRET_OPTIONS

# The job's Java, for the class path of driver and executors.
LIBRARY = Path(__file__).parent / "records.jar"

KAFKA_READERS = "spark.sql.streaming.disabledV2MicroBatchReaders"

# What exactness needs, whatever spark-submit was told.
_REQUIRED = {
    "spark.sql.session.timeZone": "UTC",
    # Rows are late, and windows final, by the batch's own watermark; with the default one is a batch behind.
    "spark.sql.streaming.statefulOperator.allowMultiple": "false",
    # The watermark that is ahead counts, which is the clock's (windows.py).
    "spark.sql.streaming.multipleWatermarkPolicy": "max",
    # Spark would otherwise give up digits after the point when a sum nears 38 digits.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    # Spark 4.1's V2 Kafka source fails when it repeats an interrupted batch (SPARK-55271, docs/decisions/0009).
    KAFKA_READERS: "org.apache.spark.sql.kafka010.KafkaSourceProvider",
}

_REDACTION = "spark.sql.redaction.string.regex"

_DEFAULTS = {
    "spark.sql.redaction.options.regex": f"(?i)url|{SECRET_OPTIONS}",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.streaming.stateStore.providerClass": (
        "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    ),
    # All but the largest batches stay in hash maps; 128 groups, Spark's default, would sort nearly all of them.
    "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "100000",
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
}

SETTINGS = {**_DEFAULTS, **_REQUIRED}


def open_session(name: str, secret_options: Mapping[str, str] | None = None) -> SparkSession:
    """A session in UTC whose executors can import this library, and whose plans show no secret options of sources."""
    spark = SparkSession.builder.appName(name).getOrCreate()
    given = spark.sparkContext.getConf()
    for key, value in _DEFAULTS.items():
        if not given.contains(key):
            spark.conf.set(key, value)
    for key, value in _REQUIRED.items():
        spark.conf.set(key, value)
    redact(spark, secret_options or {})
    share_library(spark)
    return spark


def redact(spark: SparkSession, secret_options: Mapping[str, str]) -> None:
    """Has the texts of plans, which show the options of sources, leave out these values, whatever stands in them.

    Spark tells its event log the pattern, so that it holds their lengths only.
    """
    if not secret_options:
        return
    options = (rf"{re.escape(name)}\s*(?:->|=) ?.{{0,{len(value)}}}" for name, value in secret_options.items())
    given = spark.sparkContext.getConf().get(_REDACTION)
    spark.conf.set(_REDACTION, "|".join([f"(?is:{'|'.join(options)})", *([given] if given else [])]))


def share_library(spark: SparkSession) -> None:
    """Sends this library to the executors as a zip, so that nothing but Spark's requirements is installed there."""
    package = Path(__file__).parent
    if not package.is_dir():
        # It was sent to the driver itself as an archive (--py-files), which executors get, too.
        return
    folder = tempfile.mkdtemp(prefix="cdc-features-")
    # Executors fetch it with their first task, so it has to stay as long as the driver.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    archive = Path(folder) / "cdc_features.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for part in sorted([*package.glob("*.py"), *package.glob("*.lua")]):
            zipped.write(part, f"{package.name}/{part.name}")
    spark.sparkContext.addPyFile(str(archive))


def java_function(spark: SparkSession, name: str, declared: str, result: StructType) -> str:
    """Makes a function of the session of a class of the job's Java, which is told `declared`; its name in SQL. Asked
    again, it is there: each batch of a query does, and a class that Python names is looked for anew every time."""
    type = result.json()
    function = function_name(name, declared, type)
    session: Any = spark._jsparkSession
    if not session.catalog().functionExists(function):
        session.udf().register(function, java(spark, name)(declared), session.parseDataType(type))
    return function


def function_name(*told: str) -> str:
    """Another one for whatever is told otherwise: golden cases of many definitions share a session."""
    return f"cdc_features_{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]}"


def java(spark: SparkSession, name: str) -> Any:
    """A class of the job's Java; RuntimeError where Spark was started without it."""
    jvm: Any = spark.sparkContext._jvm
    found = getattr(jvm.cdcfeatures, name)
    if isinstance(found, JavaPackage):
        raise RuntimeError(f"the job's Java is not on Spark's class path: give spark-submit `--jars {LIBRARY}`")
    return found
