"""Real-time mode: features are in Kafka tens of milliseconds after a change, and both stores stay exact.

A run begins with micro-batches (job.py), which work off what is in the log into both stores. Then Spark's real-time
mode goes on from the same checkpoint: each change makes a message of the features topic (publication.py), and the
online writer of the command that started the run brings it to Redis. When Spark has committed one of its long batches,
what that batch published goes to the offline store, once. A run that is told to end, and one that begins after a crash,
works off the rest in micro-batches.

Guide: https://spark.apache.org/docs/latest/streaming/real-time-mode.html
"""

import json
import time
import uuid
from datetime import datetime, timezone
from typing import Any

from pyspark.sql.streaming.query import StreamingQuery

from cdc_features import job
from cdc_features.checkpoint import Batch, Offsets, total
from cdc_features.feature_set import FeatureSet
from cdc_features.files import for_spark
from cdc_features.online import expired_start
from cdc_features.publication import messages, published, stage, took_truncate
from cdc_features.session import KAFKA_READERS
from cdc_features.source import change_log

_RUN = "cdcfeatures.run"
_ENDING_SECONDS = 30.0


def main(feature_set: FeatureSet, build: job.Build) -> None:
    """As `job.main`, in real-time mode where the settings say so."""
    job.main(feature_set, build, RealTimeJob)


class RealTimeJob(job.Job):
    """A run whose micro-batches only prepare and end what real-time batches do."""

    def _work(self, progress: Any) -> None:
        is_realtime = self._settings.mode == "realtime"
        while True:
            if is_realtime:
                self._store_what_was_committed()
            self._follow(self._start(), progress)
            if not (is_realtime and self._settings.continuous):
                return
            self._refuse_to_be_second()
            if self._writer.stopping or not self._may_stop:
                self._writer.stopping = True
                return
            # Told to end, it works off what is in the log by then; after a truncate it goes on.
            self._may_stop = not self._real_time(progress)
            self._refuse_to_be_second()

    @property
    def _goes_on(self) -> bool:
        return self._settings.continuous and self._settings.mode != "realtime"

    def _real_time(self, progress: Any) -> bool:
        """Publishes until the run is told to end (true), or the table is truncated, which is for micro-batches."""
        run = uuid.uuid4().hex
        last = self._checkpoint.last_committed()
        next_batch, end = (last.id + 1, last.end) if last else (0, {})
        self._checkpoint.remember_publisher(run, next_batch)
        took_truncate(self._spark)
        # It reads Kafka by Spark's newer reader only, and asks while it runs.
        readers = str(self._spark.conf.get(KAFKA_READERS))
        self._spark.conf.set(KAFKA_READERS, "")
        query = self._publish(run)
        self._announce(run, next_batch, end, self._checkpoint.next_watermark_ms(last.id) if last else 0)
        try:
            while True:
                event = progress.next(job._POLL_MS)
                if event:
                    end = self._account_batch(run, json.loads(event), end)
                elif event is not None:
                    query.awaitTermination()
                    return False
                elif took_truncate(self._spark):
                    return False
                elif self._stop_file.says_stop():
                    return True
                elif self._refresh_due():
                    self._refresh()
        finally:
            query.stop()
            self._emit("paused", run=run)
            self._after_end(progress, run, end)
            self._spark.conf.set(KAFKA_READERS, readers)

    def _after_end(self, progress: Any, run: str, end: Offsets) -> None:
        """A batch may have been committed just before; its events come before that of the query's end."""
        deadline = time.monotonic() + _ENDING_SECONDS
        while time.monotonic() < deadline:
            event = progress.next(job._POLL_MS)
            if event:
                end = self._account_batch(run, json.loads(event), end, is_last=True)
            elif event is not None:
                return

    def _account_batch(self, run: str, progress: dict[str, Any], start: Offsets, *, is_last: bool = False) -> Offsets:
        """Stores and counts a batch that Spark has committed; where it ended."""
        # Of a query's first batch Spark does not tell it.
        progress["sources"][0]["startOffset"] = progress["sources"][0]["startOffset"] or start or None
        batch = self._checkpoint.reported(progress)
        if not is_last:
            self._announce(run, batch.id + 1, batch.end, self._checkpoint.next_watermark_ms(batch.id))
        self._last = batch
        self._store_batch(run, batch, progress["timestamp"])
        self._account(progress)
        return batch.end

    def _announce(self, run: str, batch_id: int, start: Offsets, watermark_ms: int) -> None:
        """Before the command writes anything of a batch: what the versions of its messages count from."""
        expired = expired_start(self._feature_set, watermark_ms)
        self._emit("realtime", run=run, batch=batch_id, position=total(start), expired=expired)

    def _publish(self, run: str) -> StreamingQuery:
        spark, settings = self._spark, self._settings
        assert settings.features_topic is not None
        spark.sparkContext.setLocalProperty(_RUN, run)
        log = change_log(spark, self._feature_set, settings.kafka_source, settings.topic_prefix, None)
        query: Any = (
            messages(self._build(log), self._feature_set)
            .writeStream.queryName(self._feature_set.name)
            .outputMode("update")
            .option("checkpointLocation", for_spark(settings.checkpoint))
            .format("kafka")
            .options(**settings.kafka_source)
            .option("kafka.linger.ms", "0")
            .option("topic", settings.features_topic)
        )
        started: StreamingQuery = query.trigger(realTime=settings.realtime_batch).start()
        return started

    def _store_what_was_committed(self) -> None:
        """A run that was killed may have committed a batch, and not yet stored what it published."""
        last, publisher = self._checkpoint.last_committed(), self._checkpoint.publisher()
        if last is None or publisher is None or last.id < publisher.first_batch or self._store.has(last):
            return
        self._store_batch(publisher.run, last, self._checkpoint.begun(last.id))

    def _store_batch(self, run: str, batch: Batch, begun: str) -> None:
        """Puts the newest of each window that a committed batch published into the offline store."""
        if not batch.has_data:
            return
        since = datetime.fromisoformat(begun.replace("Z", "+00:00")).astimezone(timezone.utc)
        topic = self._settings.features_topic
        assert topic is not None
        newest = published(self._spark, self._settings.kafka_source, topic, run, batch, since)
        held_staging = self._store.held_staging(batch) if self._feature_set.validation else None
        report = stage(newest, self._feature_set, batch, self._store.staging(batch), held_staging)
        self._store.commit(batch, report.parts, report.validation if held_staging else None)
        self._writer.reports[batch.id] = report
        self._writer.newest_written = batch.version
