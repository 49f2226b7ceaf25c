"""The foreachBatch function: brings each micro-batch into the stores."""

from datetime import datetime, timezone

from pyspark.sql import DataFrame

from cdc_features.checkpoint import Checkpoint
from cdc_features.feature_set import FeatureSet
from cdc_features.offline import OfflineStore
from cdc_features.online import expired_start
from cdc_features.progress import emit
from cdc_features.settings import Settings
from cdc_features.sinks import Example, Target, write

_CONSOLE_ROWS = 1000


class StopRequestedError(Exception):
    """Ends the query before a batch has written anything; the next run begins with that batch."""


class BatchWriter:
    """Called by Spark with each batch's changed windows, at least once per batch; writing twice changes nothing.

    `written` maps Spark's batch ids to entities written, `failure` keeps the Python error that Spark wraps. Once
    `stopping` is set no further batch begins; `stopped` tells that one was turned away, which ends the query.
    """

    def __init__(
        self, feature_set: FeatureSet, settings: Settings, checkpoint: Checkpoint, store: OfflineStore
    ) -> None:
        self._feature_set = feature_set
        self._settings = settings
        self._checkpoint = checkpoint
        self._store = store
        self.written: dict[int, int] = {}
        self.examples: list[Example] = []
        self.failure: Exception | None = None
        self.stopping = False
        self.stopped = False

    def __call__(self, rows: DataFrame, batch_id: int) -> None:
        if self.stopping:
            self.stopped = True
            raise StopRequestedError
        try:
            self._write(rows, batch_id)
        except Exception as error:
            self.failure = error
            raise

    def _write(self, rows: DataFrame, batch_id: int) -> None:
        batch = self._checkpoint.batch(batch_id)
        if not batch.has_data:
            # Nothing to store, but the state has to move on to evict what the watermark has passed.
            rows.write.format("noop").mode("overwrite").save()
            return
        console = self._settings.sink == "console"
        target = Target(
            now=datetime.now(timezone.utc),
            expired=expired_start(batch.watermark_ms, self._feature_set.window.length_ms),
            redis_url=self._settings.redis_url if self._settings.writes_redis else None,
            staging=self._store.staging(batch) if self._settings.writes_parquet else None,
            version=batch.version,
            examples=_CONSOLE_ROWS if console else 5,
        )
        # All windows of an entity in one task, so that the online store takes them in one step.
        entity = self._feature_set.entity
        report = write(rows.repartition(entity).sortWithinPartitions(entity, "window_start"), self._feature_set, target)
        if self._settings.writes_parquet:
            self._store.commit(batch, report.parts)
        self.written[batch_id] = report.entities
        if console:
            emit("table", rows=report.examples)
        elif report.examples:
            self.examples = report.examples
