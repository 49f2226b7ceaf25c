"""Windows of the past, computed in one batch by the same build as the stream's, from the log or from rows elsewhere.

A window begins in the asked period, and all its rows count, also those before and after the period and those that came
too late for the stream. What the stores hold is compared with it: a window that is as it should be is served again as
it was written; one that differs gets a row of this position in the log, by which nothing newer is ever overwritten, and
the stream goes on from its own checkpoint as if nothing had been. A window that is final stays as the stream has left
it. So does every window that the stream knows, where the rows come from elsewhere than the log or the table: it will go
on with the rows that it has.
"""

import base64
import json
import time
from datetime import datetime, timezone
from decimal import Context, Decimal, InvalidOperation

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdc_features import sql
from cdc_features.checkpoint import Batch
from cdc_features.debezium import DEAD_LETTER, classified
from cdc_features.durations import milliseconds
from cdc_features.feature_set import Column, FeatureSet
from cdc_features.features import micros
from cdc_features.files import for_spark
from cdc_features.finishing import completed
from cdc_features.history import newest_known
from cdc_features.job import Job
from cdc_features.online import expired_start
from cdc_features.references import References
from cdc_features.report import Report
from cdc_features.settings import BackfillOrder
from cdc_features.sinks import Target, check, write
from cdc_features.source import records_of
from cdc_features.state import forget_older
from cdc_features.truncation import in_order, newest_truncate

_PRECISE = "cdc_features_precise"
_DIGITS = Context(prec=80)


class TruncatedError(RuntimeError):
    """The log says that its table was truncated, and no run has come to that yet."""


class NoHistoryError(RuntimeError):
    """Rows of files could take the place of what the stream knows."""


class BackfillJob(Job):
    """Instead of a query: one batch over history."""

    def run(self) -> None:
        """Computes and writes the asked windows; raises what failed."""
        order = self._settings.backfill
        assert order is not None
        self._refuse_to_be_second()
        self._checkpoint.check()
        started = time.monotonic()
        self._store.prepare()
        last = self._checkpoint.last_committed()
        now = datetime.now(timezone.utc)
        truncated = self._checkpoint.truncated()
        forget_older(self._spark, truncated)
        groups = self._build(self._records(order)).transform(completed(self._feature_set, now))
        newest = newest_truncate(groups.where("truncated IS NOT NULL").select("truncated").distinct().toArrow())
        if newest is not None and (truncated is None or newest > truncated):
            raise TruncatedError(
                f"{self._feature_set.source.table} was truncated, and no run of {self._feature_set.name} knows of it "
                "yet: run it first."
            )
        end = Batch(-1, {}, order.end, last.watermark_ms if last else self._watermark_ms(groups, now))
        wanted = groups.where(
            f"truncated IS NULL AND NOT is_deleted AND unix_millis(window_start) >= {order.from_ms} "
            f"AND unix_millis(window_start) < {order.to_ms}"
        )
        target = self._target(end, now)
        known = self._with_known(wanted)
        if order.source == "files" and last is not None and not self._store.has_history():
            raise NoHistoryError(
                f"which windows the stream of {self._feature_set.name} knows cannot be told without its Parquet "
                "history, and those must not be taken from files"
            )
        is_left = F.lit(False)
        if self._store.has_history():
            is_known = F.col("known").isNotNull() & ~F.coalesce(F.col("known.held"), F.lit(False))
            is_final = F.unix_seconds("window_start") <= target.expired
            is_left = is_known & (F.lit(order.source == "files") | is_final)
        counted = known.withColumn("_left", is_left).persist()
        try:
            windows = counted.count()
            left = counted.where("_left").count()
            report = self._write(counted.where("NOT _left").drop("_left"), target)
        finally:
            counted.unpersist()
        told = {"from_ms": order.from_ms, "to_ms": order.to_ms, "source": order.source, "end": _ends(order.end)}
        if self._settings.writes_parquet:
            rules = report.validation if self._feature_set.validation else {}
            self._store.commit_backfill(end, micros(now), report.parts, {"backfill": told, **rules})
        # Last: what lies in quarantine is left as it is, and would never get a manifest after a crash in between.
        self._store.commit_held(end, report.held_parts, micros(now))
        self._emit("table", rows=report.examples[:5])
        self._emit(
            "backfilled",
            windows=windows,
            left=left,
            written=report.changed,
            quarantined=report.quarantined,
            violations=report.violations,
            retries=report.retries,
            seconds=round(time.monotonic() - started, 3),
        )
        self._tally.finished(stopped=False)

    def _watermark_ms(self, groups: DataFrame, now: datetime) -> int:
        """Spark's, had it come to the end of these rows; of event times to come it knows nothing yet."""
        (latest,) = groups.selectExpr(f"max(least(event_timestamp DIV 1000, {micros(now) // 1000}))").first() or (0,)
        return (latest or 0) - milliseconds(self._feature_set.watermark) - self._feature_set.retention_ms

    def _records(self, order: BackfillOrder) -> DataFrame:
        if order.source == "topic":
            everything = Batch(-1, {}, order.end, 0)
            return records_of(self._spark, self._settings.kafka_source, everything, from_the_start=True)
        records = snapshot(self._spark, self._feature_set, str(order.path), str(order.format))
        refuse_unreadable(records, self._feature_set, order.source)
        return records

    def _target(self, end: Batch, now: datetime) -> Target:
        settings = self._settings
        return Target(
            now=now,
            expired=expired_start(self._feature_set, end.watermark_ms),
            version=end.version,
            redis=settings.redis if settings.writes_redis else None,
            staging=self._store.staging(end) if settings.writes_parquet else None,
            held_staging=self._store.held_staging(end) if self._feature_set.validation else None,
            references=References(self._feature_set, self._store).at(end.version),
            ageing=True,
        )

    def _with_known(self, rows: DataFrame) -> DataFrame:
        """Each row with the newest that the stores know of its window, as `known`, and its version."""
        keys = [*self._feature_set.entity, "window_start"]
        version = F.lit(0).cast("bigint")
        if not (self._store.has_history() or self._store.has_quarantine()):
            return rows.withColumns({"known": F.lit(None), "batch_id": version})
        stored = newest_known(self._spark, self._feature_set, self._store)
        known = F.struct(*(name for name in stored.columns if name not in keys)).alias("known")
        same = [rows[name].eqNullSafe(stored[name]) for name in keys]
        joined = rows.join(stored.select(*keys, known), on=same, how="left")
        return joined.select(*(rows[name] for name in rows.columns), "known", version.alias("batch_id"))

    def _write(self, rows: DataFrame, target: Target) -> Report:
        ordered = in_order(rows, self._feature_set)
        if any(rule.severity == "fail" for rule in self._feature_set.validation):
            check(ordered, self._feature_set, target)
        return write(ordered, self._feature_set, target)


class UnreadableRowsError(ValueError):
    """Rows of a snapshot have values that are none of their columns' types."""


def refuse_unreadable(records: DataFrame, feature_set: FeatureSet, source: str) -> None:
    dead = records.transform(classified(feature_set)).where(f"class = '{DEAD_LETTER}'")
    count = dead.count()
    if count:
        row = dead.select("reason", F.col("value").cast("string").alias("value")).first()
        assert row is not None
        raise UnreadableRowsError(
            f"{count} rows of the {source} cannot be read, and nothing was written; the first: {row['reason']}: "
            f"{json.dumps(json.loads(row['value'])['after'])}"
        )


def _ends(end: dict[str, dict[str, int]]) -> dict[str, int]:
    """By partition of the one topic."""
    return {partition: offset for partitions in end.values() for partition, offset in partitions.items()}


def snapshot(spark: SparkSession, feature_set: FeatureSet, path: str, format: str) -> DataFrame:
    """Rows in Parquet, CSV (with a header) or lines of JSON as records of a snapshot: what Debezium would have sent for
    them. Columns are named as in the source table; of text, values are as Postgres writes them, times with their zone
    or in UTC. ValueError names a column that is missing.
    """
    reader = spark.read.option("header", "true").option("multiLine", "true") if format == "csv" else spark.read
    rows = reader.format(format).load(for_spark(path))
    if format == "json":
        names = [column.name for column in feature_set.source.columns]
        rows = spark.read.schema(", ".join(f"{sql.name(name)} STRING" for name in names)).json(for_spark(path))
    if missing := [column.name for column in feature_set.source.columns if column.name not in rows.columns]:
        raise ValueError(
            f"{path} has no column {', '.join(missing)}, which {feature_set.name} reads; it has "
            f"{', '.join(rows.columns)}"
        )
    spark.udf.register(_PRECISE, _precise)
    schema, table = feature_set.source.table.split(".")
    after = ", ".join(f"{sql.text(column.name)}, {_as_debezium(column)}" for column in feature_set.source.columns)
    source = f"named_struct('schema', {sql.text(schema)}, 'table', {sql.text(table)}, 'lsn', 1L, 'snapshot', 'true')"
    event = (
        f"named_struct('op', 'r', 'before', CAST(NULL AS STRING), 'after', named_struct({after}), 'source', {source})"
    )
    return rows.selectExpr(
        "CAST(NULL AS BINARY) AS key",
        f"CAST(to_json({event}, map('ignoreNullFields', 'false')) AS BINARY) AS value",
        "'' AS topic",
        "0 AS partition",
        "monotonically_increasing_id() AS offset",
        "current_timestamp() AS timestamp",
    )


def _as_debezium(column: Column) -> str:
    name = sql.name(column.name)
    if column.type in ("bigint", "integer"):
        return f"CAST({name} AS BIGINT)"
    if column.type == "boolean":
        return f"CAST({name} AS BOOLEAN)"
    if column.type == "date":
        return f"CAST(unix_date(CAST({name} AS DATE)) AS INT)"
    if column.type == "timestamp":
        return f"date_format(CAST({name} AS TIMESTAMP), \"yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'\")"
    if column.decimal_size is None:
        return f"CAST({name} AS STRING)"
    # With all its digits, so that it cannot be taken for base64; what is no number is a dead letter.
    number = f"coalesce(CAST(try_cast({name} AS {column.type}) AS STRING), CAST({name} AS STRING))"
    return f"{_PRECISE}({number}, {column.decimal_size[1]})" if column.encoding == "precise" else number


def _precise(text: str | None, scale: int) -> str | None:
    """As Debezium's default mode writes a NUMERIC: base64 of its digits as a big-endian two's complement integer."""
    if text is None:
        return None
    try:
        unscaled = int(Decimal(text).scaleb(scale, _DIGITS))
    except InvalidOperation:
        return text  # no number, which the decoder tells
    return base64.b64encode(unscaled.to_bytes(unscaled.bit_length() // 8 + 1, "big", signed=True)).decode()
