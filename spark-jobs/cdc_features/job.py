"""A job from start to end: session, query, progress, refresh, summary."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from cdc_features import golden
from cdc_features.batch_writer import BatchWriter
from cdc_features.checkpoint import Batch, Checkpoint
from cdc_features.dead_letters import DeadLetters
from cdc_features.durations import milliseconds
from cdc_features.failure import describe
from cdc_features.feature_set import FeatureSet
from cdc_features.features import micros
from cdc_features.files import for_spark, resolve
from cdc_features.offline import OfflineStore
from cdc_features.online import expired_start
from cdc_features.plan import keep_plan
from cdc_features.progress import Emit, RunReport, Tally, emit, has_unusable, records_read
from cdc_features.refresh import refresh
from cdc_features.report import Report
from cdc_features.session import java, open_session
from cdc_features.settings import GoldenSettings, Settings, read_settings
from cdc_features.sinks import start_workers
from cdc_features.source import change_log, records_of
from cdc_features.stop_file import StopFile
from cdc_features.validation import as_told
from cdc_features.windows import granularity_ms

_POLL_MS = 200
_STOP_SECONDS = 30.0
_FEW_DEAD_LETTERS = 1000

Build = Callable[[DataFrame], DataFrame]


def main(feature_set: FeatureSet, build: Build, kind: "type[Job] | None" = None) -> None:
    """Runs a job with the settings file named on the command line; a failed run is told and exits with 1."""
    tell, secrets, name = emit, list[str](), f"cdc-features {feature_set.name}"
    try:
        settings = read_settings(sys.argv[1])
        if isinstance(settings, GoldenSettings):
            spark = open_session(name)
            tell("started", **_process(spark))
            golden.run(spark, settings)
            return
        secrets = settings.secrets
        tally = Tally(feature_set, tell)
        if settings.nothing_to_read and (report := _at_rest(feature_set, settings)):
            tell("started", run_id=settings.run_id, pid=os.getpid(), application_id=None, spark_ui=None)
            tell("table", rows=report.examples[:5])
            tally.finished(stopped=False)
            return
        spark = open_session(name, settings.secret_options)
        if settings.report is not None:
            tell = RunReport(*resolve(spark, settings.report), StopFile(spark, settings)).emit
        tell("started", run_id=settings.run_id, **_process(spark))
        (_backfill() if settings.backfill else kind or Job)(spark, feature_set, settings, build, tell).run()
    except Exception as error:
        # Where even the report cannot be written, stdout has the event, and the exit code says it, too.
        with contextlib.suppress(Exception):
            tell("failed", error=describe(error, secrets))
        sys.exit(1)


def _at_rest(feature_set: FeatureSet, settings: Settings) -> Report | None:
    # What it needs of Arrow brings pandas along, which takes half a second that other runs need not wait.
    from cdc_features import at_rest

    return at_rest.refresh(feature_set, settings)


def _backfill() -> "type[Job]":
    from cdc_features.backfill import BackfillJob  # which is a Job

    return BackfillJob


def _process(spark: SparkSession) -> dict[str, Any]:
    context = spark.sparkContext
    return {"pid": os.getpid(), "application_id": context.applicationId, "spark_ui": context.uiWebUrl}


class SupersededError(RuntimeError):
    """Another run of the set has begun, and two must not write one checkpoint."""


class TooManyDeadLettersError(RuntimeError):
    """A run in which too much could not be read has been stopped."""


class Job:
    """One run of a feature set; `build` makes changed groups of Kafka records."""

    def __init__(
        self, spark: SparkSession, feature_set: FeatureSet, settings: Settings, build: Build, emit: Emit = emit
    ) -> None:
        feature_set = as_told(feature_set, settings.on_fail)
        self._spark = spark
        self._feature_set = feature_set
        self._settings = settings
        self._build = build
        self._checkpoint = Checkpoint(spark, settings.checkpoint)
        self._store = OfflineStore(spark, settings.offline_root, feature_set)
        self._writer = BatchWriter(feature_set, settings, self._checkpoint, self._store, self._replay, emit)
        self._dead_letters = DeadLetters(spark, feature_set, settings)
        self._stop_file = StopFile(spark, settings)
        self._emit = emit
        self._tally = Tally(feature_set, emit)
        self._max_dead_share = Decimal(feature_set.dead_letter_share)
        self._refreshed: object = None
        self._last: Batch | None = None
        self._is_first = False
        self._cut_off = False
        self._may_stop = True

    def run(self) -> None:
        """Works until the log's end, or until the stop file says so; raises what failed."""
        self._refuse_to_be_second()
        if self._settings.plan is not None:
            keep_plan(self._spark, self._settings.checkpoint, self._settings.plan)
        self._checkpoint.check()
        self._last = self._checkpoint.last_committed()
        self._is_first = self._last is None
        if self._settings.sink != "console":
            self._store.prepare()
        self._dead_letters.catch_up(self._checkpoint)
        progress, streams = java(self._spark, "Progress")(), self._spark.streams._jsqm
        streams.addListener(progress)
        start_workers(self._spark)
        try:
            self._work(progress)
        finally:
            streams.removeListener(progress)
            # Where the query failed, too: the other run is why.
            self._refuse_to_be_second()
        # One that is to make room does not take its time.
        if not (self._settings.continuous or self._writer.stopping):
            self._refresh()
        if self._settings.sink != "console":
            self._emit("table", rows=self._writer.examples[:5])
        self._tally.finished(stopped=self._writer.stopping)

    def _work(self, progress: Any) -> None:
        self._follow(self._start(), progress)

    def _refuse_to_be_second(self) -> None:
        successor = self._stop_file.successor()
        if successor is not None:
            raise SupersededError(
                f"another run of {self._feature_set.name} has begun ({successor}): this one ({self._settings.run_id}) "
                "ends, since two would share one checkpoint. What it has committed is right; the other goes on from it."
            )

    def _replay(self, batch: Batch) -> DataFrame:
        return self._build(records_of(self._spark, self._settings.kafka_source, batch, from_the_start=True))

    def _start(self) -> StreamingQuery:
        settings = self._settings
        log = change_log(
            self._spark,
            self._feature_set,
            settings.kafka_source,
            settings.topic_prefix,
            settings.max_batch_records,
            continuous=self._goes_on,
        )
        query = (
            self._build(log)
            .writeStream.queryName(self._feature_set.name)
            .outputMode("update")
            .option("checkpointLocation", for_spark(self._settings.checkpoint))
            .foreachBatch(self._writer)
        )
        if self._goes_on:
            return query.trigger(processingTime=settings.trigger_interval).start()
        return query.trigger(availableNow=True).start()

    @property
    def _goes_on(self) -> bool:
        """Whether micro-batches have no end of their own."""
        return self._settings.continuous

    def _follow(self, query: StreamingQuery, events: Any) -> None:
        """`events` is a Progress.java."""
        while True:
            event = events.next(_POLL_MS)
            if event is None:
                # Asked each time: where Spark's JVM was killed nothing else would end this process.
                is_active = query.isActive
                if is_active and self._may_stop and self._stop_file.says_stop():
                    self._stop(query)
                elif self._settings.continuous and self._refresh_due():
                    self._refresh()
                continue
            if not event:
                break
            progress = json.loads(event)
            if self._settings.continuous:
                self._last = self._checkpoint.last_committed()
            self._account(progress)
            self._refuse_garbage(query)
        if self._writer.failure and not self._cut_off:
            raise self._writer.failure
        try:
            query.awaitTermination()
        except StreamingQueryException:
            if not (self._writer.stopped or self._cut_off):
                raise

    def _account(self, progress: dict[str, Any]) -> None:
        if not records_read(progress):
            return
        batch = self._checkpoint.reported(progress)
        late = self._dead_letters.capture(batch) if has_unusable(progress) else 0
        self._dead_letters.passed(batch)
        self._tally.add(progress, batch, self._writer.reports.pop(batch.id, Report()), late)

    def _refuse_garbage(self, query: StreamingQuery) -> None:
        """Where most is garbage, something is wrong with the source or the definition, and features would mislead."""
        dead, read = self._tally.dead_letters, self._tally.read
        if dead <= _FEW_DEAD_LETTERS or dead <= self._max_dead_share * read:
            return
        self._stop(query)
        raise TooManyDeadLettersError(
            f"{dead} of {read} records are dead letters, more than dead_letters.max_share of "
            f"{self._feature_set.dead_letter_share} allows. They are in {self._settings.dead_letters}/"
            f"{self._feature_set.name}, each with its reason. What was applied is right; the next run goes on "
            "behind them."
        )

    def _stop(self, query: StreamingQuery) -> None:
        """Ends the query after its running batch; one that takes too long is cut off and replayed by the next run."""
        self._writer.stopping = True
        deadline = time.monotonic() + _STOP_SECONDS
        while query.isActive and query.status["isTriggerActive"]:
            if time.monotonic() > deadline:
                self._cut_off = True
                break
            time.sleep(0.05)
        query.stop()

    def _refresh_due(self) -> bool:
        return self._ages and self._last is not None and self._refreshed != self._refresh_key(self._last)

    @property
    def _ages(self) -> bool:
        return self._settings.writes_redis or (self._feature_set.as_of_now and self._settings.writes_parquet)

    def _refresh_key(self, last: Batch) -> object:
        """Changes when the UTC day turns and when a window moves: with time, or with the watermark for a set with
        windows that end."""
        now = datetime.now(timezone.utc)
        if self._feature_set.as_of_now:
            return now.date(), micros(now) // (granularity_ms(self._feature_set) * 1000)
        return now.date(), last.watermark_ms // milliseconds(self._feature_set.window.slide)

    def _refresh(self) -> None:
        # A batch that is being written is newer than the history, and no business of a refresh.
        last = self._checkpoint.last_committed()
        if not self._ages or last is None:
            return
        self._refreshed = self._refresh_key(last)
        now = datetime.now(timezone.utc)
        # Where not, Redis was written alone, and may be ahead of what this run wrote.
        in_step = self._checkpoint.are_stores_in_step(self._settings.sink)
        if in_step and self._is_as_written(last, now):
            return
        report = refresh(
            self._spark,
            self._feature_set,
            self._store,
            self._settings,
            last,
            now,
            in_step=in_step,
            # A failover in a cluster takes back writes that were acknowledged.
            just_written=self._writer.newest_written == last.version and not self._settings.redis.cluster,
        )
        self._tally.validated(report)
        if report.violations:
            self._emit("refreshed", quarantined=report.quarantined, violations=report.violations)
        self._writer.examples = self._writer.examples or report.examples

    def _is_as_written(self, last: Batch, now: datetime) -> bool:
        """Whether this run wrote all there is, today, and no window of it has ended since."""
        settings = self._settings
        return (
            self._is_first
            and settings.mode != "realtime"
            and not (self._feature_set.as_of_now or settings.redis.cluster)
            and self._writer.is_current(now, expired_start(self._feature_set, last.watermark_ms))
        )
