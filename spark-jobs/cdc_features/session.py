"""The Spark session of a job: what streaming and exactness need, unless spark-submit said otherwise."""

import tempfile
import zipfile
from pathlib import Path

from pyspark.sql import SparkSession

_DEFAULTS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.streaming.stateStore.providerClass": (
        "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    ),
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
}


def open_session(name: str) -> SparkSession:
    """A session in UTC whose executors can import this library."""
    spark = SparkSession.builder.appName(name).getOrCreate()
    given = spark.sparkContext.getConf()
    for key, value in _DEFAULTS.items():
        if not given.contains(key):
            spark.conf.set(key, value)
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.sparkContext.addPyFile(_package())
    return spark


def _package() -> str:
    """This library as a zip, so that a job needs nothing installed on the executors but Spark's own requirements."""
    package = Path(__file__).parent
    archive = Path(tempfile.mkdtemp(prefix="cdc-features-")) / "cdc_features.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for module in sorted(package.glob("*.py")):
            zipped.write(module, f"{package.name}/{module.name}")
    return str(archive)
