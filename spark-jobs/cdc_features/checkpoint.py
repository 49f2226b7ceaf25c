"""Where a micro-batch stands in the log, read from the query's own checkpoint.

Spark writes `offsets/<batch>` before it runs a batch: a line `v1`, a line of metadata with the watermark the
batch runs with, and the end offsets of the source.
"""

import dataclasses
import json
import posixpath
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from pyspark.sql import SparkSession

from cdc_features.files import resolve
from cdc_features.position import Position

_TRUNCATED = "truncated"
_PUBLISHER = "publisher"

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
    def records(self) -> int:
        """How many there are at most; fewer where Kafka has dropped some or keeps markers of transactions."""
        return total(self.end) - total(self.start)

    @property
    def has_data(self) -> bool:
        return self.records > 0

    @property
    def ranges(self) -> dict[str, list[int]]:
        """`{"<partition>": [start, end)}` of the one topic a job reads."""
        return {
            partition: [self.start.get(topic, {}).get(partition, 0), end]
            for topic, partitions in self.end.items()
            for partition, end in partitions.items()
        }


@dataclass(frozen=True)
class Publisher:
    """The run that has published since a batch, in real-time mode."""

    run: str
    first_batch: int


def total(offsets: Offsets) -> int:
    return sum(end for partitions in offsets.values() for end in partitions.values())


class CheckpointDamagedError(RuntimeError):
    """A file of the checkpoint is missing or cut off; going on would lose or repeat changes."""


class Checkpoint:
    """Reads one query's checkpoint folder; every method tolerates that nothing is there yet."""

    def __init__(self, spark: SparkSession, location: str) -> None:
        self._files, self._root = resolve(spark, location)

    def check(self) -> None:
        """Refuses a checkpoint that Spark would misunderstand: without `metadata` it starts a new query without a word.

        CheckpointDamagedError names the file and the way out.
        """
        offsets, commits = self._ids("offsets"), self._ids("commits")
        if not offsets and not commits:
            return
        if not self._files.exists(self._path("metadata")):
            raise self._damaged("metadata", "is missing, and Spark would begin anew on the old state")
        files = [f"offsets/{number}" for number in offsets[-2:]] + [f"commits/{number}" for number in commits[-1:]]
        for name in [*files, "sources/0/0"]:
            try:
                parsed = [json.loads(line) for line in self._lines(name)[1:]]
                if name.startswith("offsets/"):
                    self._offsets(parsed[1]), parsed[0]["batchWatermarkMs"]
            except FileNotFoundError:
                raise self._damaged(name, "is missing") from None
            except (ValueError, IndexError, KeyError, TypeError):
                raise self._damaged(name, "is cut off or no record of Spark's") from None

    def neighbours(self) -> set[str]:
        """What is in the folder that it is in itself."""
        return set(self._files.names(posixpath.dirname(self._root.rstrip("/"))))

    def truncated(self) -> Position | None:
        """The newest truncate of the table that has been applied: no older row exists."""
        if not self._files.exists(self._path(_TRUNCATED)):
            return None
        return Position(**json.loads(self._lines(_TRUNCATED)[0]))

    def remember_truncated(self, position: Position) -> None:
        """Before the batch that brought it is written, so that a replay and all later batches know it."""
        self._files.write(self._path(_TRUNCATED), [json.dumps(dataclasses.asdict(position))])

    def publisher(self) -> Publisher | None:
        if not self._files.exists(self._path(_PUBLISHER)):
            return None
        return Publisher(**json.loads(self._lines(_PUBLISHER)[0]))

    def remember_publisher(self, run: str, first_batch: int) -> None:
        """Before the first batch that a run publishes, so that what it leaves behind is known to be its own."""
        self._files.write(self._path(_PUBLISHER), [json.dumps({"run": run, "first_batch": first_batch})])

    def begun(self, batch_id: int) -> str:
        """When the batch began, in ISO 8601."""
        _, metadata, _ = self._lines(f"offsets/{batch_id}")
        return datetime.fromtimestamp(json.loads(metadata)["batchTimestampMs"] / 1000, timezone.utc).isoformat()

    def batch(self, batch_id: int) -> Batch:
        """The batch that is running or just ran. Spark keeps the newest 100: FileNotFoundError for one before."""
        watermark_ms, end = self._planned(batch_id)
        return Batch(batch_id, self._planned(batch_id - 1)[1] if batch_id else self._first(), end, watermark_ms)

    def reported(self, progress: dict[str, Any]) -> Batch:
        """The batch of a Spark progress event; its own record may be gone from the checkpoint by now."""
        source = progress["sources"][0]
        watermark = datetime.fromisoformat(progress["eventTime"]["watermark"].replace("Z", "+00:00"))
        start = self._first() if source["startOffset"] is None else self._offsets(source["startOffset"])
        end = self._offsets(source["endOffset"])
        return Batch(progress["batchId"], start, end, round(watermark.timestamp() * 1000))

    def committed_since(self, reached: Offsets) -> list[Batch]:
        """The committed batches past these offsets, oldest first; the first may hold several that are forgotten."""
        planned: list[tuple[int, int, Offsets]] = []
        for batch_id in reversed(self._ids("commits")):
            watermark_ms, end = self._planned(batch_id)
            if total(end) <= total(reached):
                break
            planned.append((batch_id, watermark_ms, end))
        batches = []
        for batch_id, watermark_ms, end in reversed(planned):
            batches.append(Batch(batch_id, reached, end, watermark_ms))
            reached = end
        return [batch for batch in batches if batch.has_data]

    def last_committed(self) -> Batch | None:
        """The newest batch that is done, or None before the first."""
        ids = self._ids("commits")
        return self.batch(ids[-1]) if ids else None

    def next_watermark_ms(self, batch_id: int) -> int:
        """What the batch after this committed one is judged by."""
        _, committed = self._lines(f"commits/{batch_id}")[:2]
        return int(json.loads(committed)["nextBatchWatermarkMs"])

    def _ids(self, folder: str) -> list[int]:
        return sorted(int(name) for name in self._files.names(self._path(folder)) if name.isdigit())

    def _planned(self, batch_id: int) -> tuple[int, Offsets]:
        _, metadata, offsets = self._lines(f"offsets/{batch_id}")
        return json.loads(metadata)["batchWatermarkMs"], self._offsets(json.loads(offsets))

    def _first(self) -> Offsets:
        """Where the query began."""
        return self._offsets(json.loads(self._lines("sources/0/0")[1]))

    def _offsets(self, recorded: Any) -> Offsets:
        """From the source's own record of offsets, which for Kafka has our form."""
        offsets: Offsets = recorded
        return offsets

    def _lines(self, name: str) -> list[str]:
        return self._files.read(self._path(name)).strip().split("\n")

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _damaged(self, name: str, problem: str) -> CheckpointDamagedError:
        return CheckpointDamagedError(
            f"the checkpoint is damaged: {self._path(name)} {problem}. "
            "Compute the set anew from the log with `cdc-features run … --rebuild`, or bring the file back."
        )
