"""What a run tells about itself: one `@cdc-features {json}` line on stdout per event.

Counts come from the query's own progress events, so they hold for exactly the batches that were committed.
"""

import json
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from cdc_features.debezium import METRICS
from cdc_features.durations import milliseconds
from cdc_features.feature_set import FeatureSet

PREFIX = "@cdc-features "


def emit(event: str, **values: Any) -> None:
    sys.stdout.write(PREFIX + json.dumps({"event": event, **values}) + "\n")
    sys.stdout.flush()


@dataclass
class Tally:
    """Adds up a run. Each record read is exactly one of applied, duplicate, late, dead letter and ignored."""

    feature_set: FeatureSet
    read: int = 0
    late: int = 0
    dead_letters: int = 0
    ignored: int = 0
    entities_written: int = 0
    batches: int = 0
    started: float = field(default_factory=time.monotonic)

    def add(self, progress: dict[str, Any], entities_written: int, late: int) -> None:
        """Counts one batch (a Spark progress event) and emits it; a batch without records only moves the watermark."""
        observed = progress.get("observedMetrics", {}).get(METRICS, {})
        read = observed.get("read", 0)
        if read == 0:
            return
        self.batches += 1
        self.read += read
        self.late += late
        self.dead_letters += observed["dead_letters"]
        self.ignored += observed["ignored"]
        self.entities_written += entities_written
        seconds = max(progress["batchDuration"], 1) / 1000
        emit(
            "progress",
            batch=progress["batchId"],
            read=read,
            read_total=self.read,
            rows_per_second=round(read / seconds, 1),
            entities_written=entities_written,
            entities_written_total=self.entities_written,
            watermark=self._watermark(progress),
            seconds_behind=_seconds_behind(progress, observed["max_timestamp_ms"], seconds),
        )

    def finished(self) -> None:
        emit(
            "finished",
            read=self.read,
            applied=self.read - self.late - self.dead_letters - self.ignored,
            duplicates=0,
            late=self.late,
            dead_letters=self.dead_letters,
            ignored=self.ignored,
            entities_written=self.entities_written,
            batches=self.batches,
            seconds=round(time.monotonic() - self.started, 3),
        )

    def _watermark(self, progress: dict[str, Any]) -> str | None:
        """The declared watermark; Spark's own also waits for the retention."""
        spark_watermark = progress.get("eventTime", {}).get("watermark")
        if spark_watermark is None:
            return None
        time = _parse(spark_watermark)
        if time.timestamp() <= 0:
            return None
        return _iso(time + timedelta(milliseconds=milliseconds(self.feature_set.window.retention)))


def late_groups(progress: dict[str, Any]) -> int:
    """Groups (entity, window) that Spark dropped because their window is no longer kept."""
    return sum(operator["numRowsDroppedByWatermark"] for operator in progress["stateOperators"])


def observed_dead_letters(progress: dict[str, Any]) -> int:
    return int(progress.get("observedMetrics", {}).get(METRICS, {}).get("dead_letters", 0))


def _seconds_behind(progress: dict[str, Any], max_timestamp_ms: int, batch_seconds: float) -> float:
    """Age of the newest record worked off; when that is the log's end, no more than the batch took."""
    age = max(time.time() - max_timestamp_ms / 1000, 0.0)
    at_end = all(source["endOffset"] == source["latestOffset"] for source in progress["sources"])
    return round(min(age, batch_seconds) if at_end else age, 1)


def _parse(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _iso(time: datetime) -> str:
    return time.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
