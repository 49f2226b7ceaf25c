"""Where a micro-batch stands in the log, read from the query's own checkpoint.

Spark writes `offsets/<batch>` before it runs a batch: a line `v1`, a line of metadata with the watermark the
batch runs with, and the end offsets of the source. Read through Hadoop's file system, so that any URI works.
"""

import json
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

Offsets = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Batch:
    """Offset ranges per topic and partition, `start` included, `end` not; watermarks in epoch milliseconds.

    A batch drops changes to windows that end up to `watermark_ms`, then evicts those windows.
    """

    id: int
    start: Offsets
    end: Offsets
    watermark_ms: int

    @property
    def version(self) -> int:
        """The position in the log: the sum of the end offsets. Grows with data, the same when replayed."""
        return total(self.end)

    @property
    def has_data(self) -> bool:
        return total(self.end) > total(self.start)

    @property
    def ranges(self) -> dict[str, list[int]]:
        """`{"<partition>": [start, end)}` of the one topic a job reads."""
        return {
            partition: [self.start.get(topic, {}).get(partition, 0), end]
            for topic, partitions in self.end.items()
            for partition, end in partitions.items()
        }


def total(offsets: Offsets) -> int:
    return sum(end for partitions in offsets.values() for end in partitions.values())


class Checkpoint:
    """Reads one query's checkpoint folder; every method tolerates that nothing is there yet."""

    def __init__(self, spark: SparkSession, location: str) -> None:
        jvm: Any = spark.sparkContext._jvm
        conf: Any = spark._jsparkSession.sessionState().newHadoopConf()
        self._jvm = jvm
        self._root = jvm.org.apache.hadoop.fs.Path(location)
        self._files = self._root.getFileSystem(conf)

    def batch(self, batch_id: int) -> Batch:
        """The batch that is running or ran; FileNotFoundError when its offsets are not (or no more) there."""
        watermark_ms, end = self._planned(batch_id)
        start = self._planned(batch_id - 1)[1] if batch_id else json.loads(self._lines("sources/0/0")[1])
        return Batch(batch_id, start, end, watermark_ms)

    def committed(self) -> list[int]:
        """Ids of the committed batches that are still recorded, oldest first."""
        return self._ids("commits")

    def last(self) -> Batch | None:
        """The newest planned batch, or None before the first."""
        ids = self._ids("offsets")
        return self.batch(ids[-1]) if ids else None

    def _ids(self, folder: str) -> list[int]:
        path = self._jvm.org.apache.hadoop.fs.Path(self._root, folder)
        if not self._files.exists(path):
            return []
        return sorted(
            int(f.getPath().getName()) for f in self._files.listStatus(path) if f.getPath().getName().isdigit()
        )

    def _planned(self, batch_id: int) -> tuple[int, Offsets]:
        _, metadata, offsets = self._lines(f"offsets/{batch_id}")
        return json.loads(metadata)["batchWatermarkMs"], json.loads(offsets)

    def _lines(self, name: str) -> list[str]:
        path = self._jvm.org.apache.hadoop.fs.Path(self._root, name)
        if not self._files.exists(path):
            raise FileNotFoundError(f"{path.toString()} is not in the checkpoint")
        stream = self._files.open(path)
        try:
            text: str = self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
        finally:
            stream.close()
        return text.strip().split("\n")
