"""Records that could not count, set aside where a person finds them: `<dead letters>/<set>/<batch>.jsonl`.

The query itself only counts. A batch that had some is read from Kafka once more, exactly its offsets. A marker
says up to where the log has been looked through, so that a run that died in between is made up for by the next.
"""

import itertools
import json
from collections.abc import Iterator
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from cdc_features.checkpoint import Batch, Checkpoint, Offsets
from cdc_features.debezium import APPLIED, DEAD_LETTER, classified
from cdc_features.feature_set import FeatureSet
from cdc_features.files import resolve
from cdc_features.settings import Settings
from cdc_features.source import records_of
from cdc_features.windows import home, length_ms

_MAX_VALUE_BYTES = 64 * 1024
_TOO_LATE = "too late: its window is no longer kept"


class DeadLetters:
    """One feature set's folder of dead letters."""

    def __init__(self, spark: SparkSession | None, feature_set: FeatureSet, settings: Settings) -> None:
        self._spark = spark
        self._feature_set = feature_set
        self._kafka = settings.kafka_source
        self._files, self._folder = resolve(spark, f"{settings.dead_letters.rstrip('/')}/{feature_set.name}")

    def catch_up(self, checkpoint: Checkpoint) -> None:
        """Looks through the committed batches that a run which died did not get to."""
        for batch in checkpoint.committed_since(self._marker()):
            self.capture(batch)
            self.passed(batch)

    def capture(self, batch: Batch) -> int:
        """Writes the batch's dead and late records; returns how many were late."""
        assert self._spark is not None
        records = records_of(self._spark, self._kafka, batch)
        rows = unusable(records, self._feature_set, batch.watermark_ms)
        late = 0

        def lines() -> Iterator[dict[str, Any]]:
            nonlocal late
            for row in rows.toLocalIterator():
                late += row["reason"] == _TOO_LATE
                yield row.asDict() | {"key": _text(row["key"]), "value": _text(row["value"])}

        self._write(batch, lines())
        return late

    def has_passed(self, batch: Batch) -> bool:
        """Whether everything up to the end of this batch has been looked through."""
        return self._marker() == batch.end

    def passed(self, batch: Batch) -> None:
        """Remembers that everything up to the end of this batch has been looked through."""
        self._files.write(self._marker_path, [json.dumps(batch.end)])

    def _write(self, batch: Batch, lines: Iterator[dict[str, Any]]) -> None:
        first = next(lines, None)
        if first is None:
            return
        shown = (json.dumps(line, ensure_ascii=False) for line in itertools.chain([first], lines))
        self._files.write(f"{self._folder}/{batch.version:020d}.jsonl", shown)

    @property
    def _marker_path(self) -> str:
        return f"{self._folder}/_looked_through"

    def _marker(self) -> Offsets:
        try:
            offsets: Offsets | int = json.loads(self._files.read(self._marker_path))
        except FileNotFoundError:
            return {}
        # A number is what earlier versions wrote: all is looked through once more, to the same files.
        return {} if isinstance(offsets, int) else offsets


def unusable(records: DataFrame, feature_set: FeatureSet, watermark_ms: int) -> DataFrame:
    """topic, partition, offset, reason, key and value of dead letters and of applied records that came too late
    in every window they touch. Values are cut at 64 KiB."""
    length = length_ms(feature_set)
    end = f"{home(feature_set, 'change.event_time')} + {(length or 0) * 1000}L"
    ended = f"size(changes) > 0 AND forall(changes, change -> {end} <= {watermark_ms * 1000}L)"
    too_late = f"class = '{APPLIED}' AND {ended}" if length else "false"
    return (
        records.transform(classified(feature_set))
        .where(f"class = '{DEAD_LETTER}' OR ({too_late})")
        .selectExpr(
            "topic",
            "partition",
            "offset",
            f"coalesce(reason, '{_TOO_LATE}') AS reason",
            "key",
            f"substring(value, 1, {_MAX_VALUE_BYTES}) AS value",
        )
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else bytes(value).decode("utf-8", errors="replace")
