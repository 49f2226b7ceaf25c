"""What a run tells about itself: one `@cdc-features {json}` line on stdout per event, and a report for those who
cannot see the driver's stdout.

Counts come from the query's own progress events, so they hold for exactly the batches that were committed.
"""

import contextlib
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cdc_features.checkpoint import Batch
from cdc_features.debezium import METRICS, TIME_SHARES
from cdc_features.feature_set import FeatureSet
from cdc_features.files import Files
from cdc_features.online import iso
from cdc_features.report import Report
from cdc_features.stop_file import StopFile

PREFIX = "@cdc-features "
_REPORT_SECONDS = 5

# Takes an event's name and its values.
Emit = Callable[..., None]


def emit(event: str, **values: Any) -> None:
    sys.stdout.write(PREFIX + json.dumps({"event": event, **values}) + "\n")
    sys.stdout.flush()


class RunReport:
    """Emits events, and keeps the newest of each kind in a file: a JSON list of them, in the order in which the kinds
    came up. `table` waits for the event that ends the run. Once another run has begun the file is that run's."""

    def __init__(self, files: Files, path: str, stop_file: StopFile) -> None:
        self._files = files
        self._path = path
        self._stop_file = stop_file
        self._events: dict[str, dict[str, Any]] = {}
        self._written = 0.0
        self._lock = threading.Lock()

    def emit(self, event: str, **values: Any) -> None:
        emit(event, **values)
        with self._lock:
            self._events[event] = {"event": event, **values}
            if event == "progress":
                if time.monotonic() - self._written >= _REPORT_SECONDS:
                    # The run does not depend on it.
                    with contextlib.suppress(Exception):
                        self._write()
            elif event != "table":
                self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        if self._stop_file.successor() is None:
            self._files.write(self._path, [json.dumps(list(self._events.values()))])


class AccountError(RuntimeError):
    """Records were lost or counted twice."""


@dataclass
class Tally:
    """Adds up a run. Each record read is exactly one of applied, duplicate, late, dead letter and ignored."""

    feature_set: FeatureSet
    emit: Emit = emit
    read: int = 0
    applied: int = 0
    duplicates: int = 0
    late: int = 0
    dead_letters: int = 0
    ignored: int = 0
    entities_written: int = 0
    rows_written: int = 0
    batches: int = 0
    state_rows: int = 0
    state_bytes: int = 0
    quarantined: int = 0
    violations: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)

    def add(self, progress: dict[str, Any], batch: Batch, report: Report, late: int) -> None:
        """Counts one batch with records, by its Spark progress event, and emits it.

        AccountError when the classes do not add up to what Spark has read: a defect, and no value can be trusted.
        """
        observed, read, entities_written = _observed(progress), records_read(progress), report.entities
        applied = observed["applied"] - late - report.duplicates
        if applied < 0 or observed["applied"] + observed["dead_letters"] + observed["ignored"] != read:
            raise AccountError(
                f"the account of batch {progress['batchId']} does not add up: {read} records read, "
                f"{observed['applied']} usable, {observed['dead_letters']} dead letters, {observed['ignored']} "
                f"ignored; among the usable {late} late and {report.duplicates} duplicates"
            )
        self.batches += 1
        self.read += read
        self.applied += applied
        self.duplicates += report.duplicates
        self.late += late
        self.state_rows, self.state_bytes = _state_size(progress)
        self.dead_letters += observed["dead_letters"]
        self.ignored += observed["ignored"]
        self.entities_written += entities_written
        self.rows_written += report.rows
        self.validated(report)
        seconds = max(progress["batchDuration"], 1) / 1000
        self.emit(
            "progress",
            batch=progress["batchId"],
            read=read,
            read_total=self.read,
            rows_per_second=round(read / seconds, 1),
            entities_written=entities_written,
            entities_written_total=self.entities_written,
            watermark=self._watermark(batch),
            seconds_behind=_seconds_behind(progress, observed["max_timestamp_ms"], seconds),
            position=batch.version,
            newest_ms=observed["max_timestamp_ms"],
            applied=applied,
            duplicates=report.duplicates,
            late=late,
            dead_letters=observed["dead_letters"],
            ignored=observed["ignored"],
            rows_written=report.rows,
            quarantined=report.quarantined,
            violations=report.violations,
            retries=report.retries,
            state_rows=self.state_rows,
            state_bytes=self.state_bytes,
            seconds=seconds,
            phases=_phases(progress, report),
            ages=_ages(observed, report),
        )

    def validated(self, report: Report) -> None:
        """Counts rows that broke rules."""
        self.quarantined += report.quarantined
        self.violations.update(report.violations)

    def finished(self, *, stopped: bool) -> None:
        """`stopped` tells that the run was told to end, and may not have read all."""
        self.emit(
            "finished",
            read=self.read,
            applied=self.applied,
            duplicates=self.duplicates,
            late=self.late,
            dead_letters=self.dead_letters,
            ignored=self.ignored,
            entities_written=self.entities_written,
            rows_written=self.rows_written,
            batches=self.batches,
            state_rows=self.state_rows,
            state_bytes=self.state_bytes,
            quarantined=self.quarantined,
            violations=self.violations,
            seconds=round(time.monotonic() - self.started, 3),
            stopped=stopped,
        )

    def _watermark(self, batch: Batch) -> str | None:
        """The declared watermark; Spark's own also waits for the retention. None before the first event time."""
        if batch.watermark_ms <= 0:
            return None
        return iso((batch.watermark_ms + self.feature_set.retention_ms) * 1000)


def records_read(progress: dict[str, Any]) -> int:
    """Records of a batch (a Spark progress event); a batch without any only moves the watermark."""
    return int(_observed(progress).get("read", 0))


def has_unusable(progress: dict[str, Any]) -> bool:
    """Whether the batch had dead letters or Spark dropped changes of windows that are no longer kept."""
    dropped = sum(operator["numRowsDroppedByWatermark"] for operator in progress["stateOperators"])
    return bool(dropped or _observed(progress).get("dead_letters"))


def _observed(progress: dict[str, Any]) -> dict[str, Any]:
    observed: dict[str, Any] = progress.get("observedMetrics", {}).get(METRICS, {})
    return observed


def _state_size(progress: dict[str, Any]) -> tuple[int, int]:
    """Groups in the state, and its bytes: RocksDB's files, and its memory, where the newest changes are."""
    operators = progress["stateOperators"]
    files = sum(operator.get("customMetrics", {}).get("rocksdbSstFileSize", 0) for operator in operators)
    memory = sum(operator["memoryUsedBytes"] for operator in operators)
    return sum(operator["numRowsTotal"] for operator in operators), files + memory


# Of a batch in micro-batches: what Spark does before and after what BatchWriter does, by its names.
_PHASES = {
    "offsets": ("latestOffset", "getBatch", "getOffset"),
    "planning": ("queryPlanning",),
    "log": ("walCommit", "commitOffsets"),
}


def _phases(progress: dict[str, Any], report: Report) -> dict[str, float]:
    """Seconds of a batch by phase: `offsets` of the log, `planning` of the query, Spark's own `log`; the `pass` that
    computes the rows, writes Redis and stages Parquet; `parquet`, putting that in place; and `other`."""
    told: dict[str, int] = progress.get("durationMs", {})
    phases = {phase: sum(told.get(name, 0) for name in names) / 1000 for phase, names in _PHASES.items()}
    phases |= report.seconds
    whole = max(progress["batchDuration"], 1) / 1000
    phases["other"] = max(whole - sum(phases.values()), 0.0)
    return {phase: round(seconds, 3) for phase, seconds in phases.items()}


def _ages(observed: dict[str, Any], report: Report) -> dict[str, Any] | None:
    """How old changes were when they could be read, seconds since they came to Kafka: how many there were, and at most
    how old which share of them. None of real-time batches, whose messages tell it one by one."""
    times, changes = observed.get("times_ms"), observed.get("changes")
    if report.readable_at is None or not times or not changes:
        return None
    ages = [[round(1 - share, 4), report.readable_at - ms / 1000] for share, ms in zip(TIME_SHARES, times, strict=True)]
    return {"count": changes, "shares": [[share, round(max(age, 0.0), 3)] for share, age in reversed(ages)]}


def _seconds_behind(progress: dict[str, Any], max_timestamp_ms: int, batch_seconds: float) -> float:
    """Age of the newest record worked off; when that is the log's end, no more than the batch took."""
    age = max(time.time() - max_timestamp_ms / 1000, 0.0)
    at_end = all(source["endOffset"] == source["latestOffset"] for source in progress["sources"])
    return round(min(age, batch_seconds) if at_end else age, 1)
