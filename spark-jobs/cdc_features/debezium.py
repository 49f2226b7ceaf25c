"""Debezium's envelope: from Kafka records to what happened to rows.

Each record is exactly one of applied, ignored (a tombstone, another table's event, a row without entity) and
dead letter (with a reason). An applied record says where its row is now (an upsert) and, when the row
was deleted or has moved to another entity or window, where it is no more (a `gone` change).
"""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column as C
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from cdc_features.decoding import decode
from cdc_features.feature_set import FeatureSet
from cdc_features.windows import tumbling_start

APPLIED, IGNORED, DEAD_LETTER = "applied", "ignored", "dead_letter"
METRICS = "cdc_events"

_Transform = Callable[[DataFrame], DataFrame]
_UNPARSABLE = "_unparsable"
_NEEDS_FULL = "holds too little of the row before: the table needs REPLICA IDENTITY FULL"


def row_changes(feature_set: FeatureSet) -> _Transform:
    """Kafka records in; out, one row per change: `entity`, `event_time` (UTC) and `row`.

    `row` is struct(key, version, gone, values); `values` holds the event time and what the aggregates read,
    null when gone. The observation `METRICS` counts read, ignored and dead records before anything is filtered.
    """

    def transform(records: DataFrame) -> DataFrame:
        observed = records.transform(classified(feature_set)).observe(
            METRICS,
            F.count(F.lit(1)).alias("read"),
            F.count_if(F.col("class") == IGNORED).alias("ignored"),
            F.count_if(F.col("class") == DEAD_LETTER).alias("dead_letters"),
            F.max(F.unix_millis("timestamp")).alias("max_timestamp_ms"),
        )
        return observed.select(F.explode("changes").alias("change")).select("change.*")

    return transform


def classified(feature_set: FeatureSet) -> _Transform:
    """Kafka records in; the same records out, with `class`, `reason` (of a dead letter) and `changes`."""

    def transform(records: DataFrame) -> DataFrame:
        kept = [
            name for name in ("topic", "partition", "offset", "timestamp", "key", "value") if name in records.columns
        ]
        image = _Image(feature_set)
        return (
            records.withColumn("event", _parsed(feature_set))
            .withColumns(_envelope())
            .withColumn("new", F.when(F.col("op") != "d", image.decoded(F.col("after"))))
            .withColumn("old", F.when(F.col("op").isin("u", "d"), image.located(F.col("before"))))
            .withColumn("verdict", _verdict(feature_set, image))
            .select(
                *kept,
                F.col("verdict.class").alias("class"),
                F.col("verdict.reason").alias("reason"),
                F.when(F.col("verdict.class") == APPLIED, _changes(feature_set)).alias("changes"),
            )
        )

    return transform


def input_columns(feature_set: FeatureSet) -> list[str]:
    """The columns that travel with a row into the state: the event time and what the aggregates read."""
    read = [feature.column for feature in feature_set.aggregated if feature.column is not None]
    return list(dict.fromkeys([feature_set.source.event_time, *read]))


def _parsed(feature_set: FeatureSet) -> C:
    """The value as a struct of texts, whether the envelope is bare or wrapped in `{schema, payload}`."""
    row = StructType([StructField(column.name, StringType()) for column in feature_set.source.columns])
    source = StructType([StructField(name, StringType()) for name in ("schema", "table", "lsn", "sequence")])
    envelope = [
        StructField("op", StringType()),
        StructField("before", row),
        StructField("after", row),
        StructField("source", source),
    ]
    scale = StructType([StructField("scale", StringType())])
    column_schema = StructType(
        [
            StructField("field", StringType()),
            StructField("type", StringType()),
            StructField("name", StringType()),
            StructField("parameters", scale),
        ]
    )
    row_schema = StructType([StructField("field", StringType()), StructField("fields", ArrayType(column_schema))])
    schema = StructType([StructField("fields", ArrayType(row_schema))])
    event = StructType(
        [
            *envelope,
            StructField("payload", StructType(envelope)),
            StructField("schema", schema),
            StructField(_UNPARSABLE, StringType()),
        ]
    )
    # Strict JSON, as every other reader of the log has it.
    options = {
        "columnNameOfCorruptRecord": _UNPARSABLE,
        "allowSingleQuotes": "false",
        "allowNonNumericNumbers": "false",
    }
    return F.from_json(F.col("value").cast("string"), event, options)


def _envelope() -> dict[str, C]:
    part = {
        name: F.coalesce(F.col(f"event.payload.{name}"), F.col(f"event.{name}"))
        for name in ("before", "after", "source")
    }
    after_schema = F.filter("event.schema.fields", lambda field: field["field"] == "after")
    return {
        "op": F.coalesce(F.col("event.payload.op"), F.col("event.op")),
        **part,
        "columns": F.try_element_at(after_schema, F.lit(1))["fields"],
    }


@dataclass(frozen=True)
class _Image:
    """Decodes the image of a row, before or after."""

    feature_set: FeatureSet

    def decoded(self, image: C) -> C:
        return self._struct(image, [column.name for column in self.feature_set.source.columns])

    def located(self, image: C) -> C:
        """Only what tells which row it is and where it is counted."""
        return self._struct(image, self.location)

    @property
    def location(self) -> list[str]:
        source = self.feature_set.source
        return list(dict.fromkeys([source.primary_key, self.feature_set.entity, source.event_time]))

    def undecodable(self, raw: str, decoded: str, names: list[str]) -> C:
        """Name and type of the first column with a value that could not be decoded, or null."""
        source = self.feature_set.source
        return F.coalesce(
            *(
                F.when(
                    F.col(raw)[name].isNotNull() & F.col(decoded)[name].isNull(),
                    f"column {name} does not hold a {source.column(name).type}",
                )
                for name in names
            )
        )

    def _struct(self, image: C, names: list[str]) -> C:
        columns = [self.feature_set.source.column(name) for name in names]
        return F.struct(
            *(decode(column, image[column.name], _column_schema(column.name)).alias(column.name) for column in columns)
        )


def _column_schema(name: str) -> C:
    return F.try_element_at(F.filter("columns", lambda column: column["field"] == name), F.lit(1))


def _verdict(feature_set: FeatureSet, image: _Image) -> C:
    source = feature_set.source
    schema, table = source.table.split(".")
    op = F.col("op")
    after, before = F.col("after"), F.col("before")
    deleted = op == "d"

    def current(name: str) -> C:
        return F.when(deleted, before[name]).otherwise(after[name])

    without_row = F.when(deleted, before.isNull()).otherwise(after.isNull())
    no_entity = current(feature_set.entity).isNull() & ((op != "u") | before[feature_set.entity].isNull())
    key_only = deleted & before[feature_set.entity].isNull() & before[source.event_time].isNull()
    undecodable = F.when(deleted, image.undecodable("before", "old", image.location)).otherwise(
        image.undecodable("after", "new", [column.name for column in source.columns])
    )

    def dead(condition: C, reason: C | str) -> tuple[C, str, C]:
        return condition, DEAD_LETTER, F.lit(reason) if isinstance(reason, str) else reason

    def ignored(condition: C) -> tuple[C, str, C]:
        return condition, IGNORED, F.lit(None).cast("string")

    rules = [
        ignored(F.col("value").isNull()),
        dead(
            F.col("event").isNull() | F.col(f"event.{_UNPARSABLE}").isNotNull(),
            "the value is not the JSON of an event",
        ),
        ignored(op.isNull() & after.isNull() & before.isNull()),
        ignored((F.col("source.table") != table) | (F.col("source.schema") != schema)),
        ignored(op.isin("m", "t")),
        dead(
            op.isNull() | ~op.isin("c", "r", "u", "d"),
            F.concat(F.lit("unknown operation "), F.left(F.coalesce(op, F.lit("null")), F.lit(40))),
        ),
        dead(without_row & ~deleted, "the event holds no row"),
        dead((without_row & deleted) | (before.isNull() & (op == "u")), f"the event {_NEEDS_FULL}"),
        dead(current(source.primary_key).isNull(), f"the primary key {source.primary_key} is missing"),
        dead(key_only, f"the event {_NEEDS_FULL}"),
        ignored(no_entity),
        dead(undecodable.isNotNull(), undecodable),
        dead(current(source.event_time).isNull(), f"the event time {source.event_time} is missing"),
    ]
    verdict = F.struct(F.lit(APPLIED).alias("class"), F.lit(None).cast("string").alias("reason"))
    for condition, name, reason in reversed(rules):
        found = F.struct(F.lit(name).alias("class"), reason.alias("reason"))
        verdict = F.when(condition, found).otherwise(verdict)
    return verdict


def _version() -> C:
    """Order of changes: commit, then place in the log, then delete before create (a key change is both at once).

    `source.sequence` is a JSON text of [last commit LSN or null, LSN]; without any LSN the Kafka offset has to do.
    """
    commit, place = (F.get_json_object("source.sequence", f"$[{index}]").try_cast("bigint") for index in (0, 1))
    lsn = F.coalesce(F.col("source.lsn").try_cast("bigint"), place, F.col("offset"))
    rank = F.when(F.col("op") == "d", 0).otherwise(1)
    return F.struct(F.coalesce(commit, lsn).alias("commit_lsn"), lsn.alias("lsn"), rank.alias("rank"))


def _changes(feature_set: FeatureSet) -> C:
    """Up to two changes of an applied event."""
    source = feature_set.source
    new, old = F.col("new"), F.col("old")
    key, entity, event_time = source.primary_key, feature_set.entity, source.event_time

    def change(image: C, gone: bool) -> C:
        inputs = F.struct(*(new[name].alias(name) for name in input_columns(feature_set)))
        row = F.struct(
            image[key].alias("key"),
            _version().alias("version"),
            F.lit(gone).alias("gone"),
            F.when(F.lit(not gone), inputs).alias("values"),
        )
        return F.struct(image[entity].alias("entity"), image[event_time].alias("event_time"), row.alias("row"))

    def place(image: C) -> C:
        start = tumbling_start(image[event_time], feature_set.window.length_ms)
        return F.struct(image[key], image[entity], start)

    stays = (F.col("op") != "d") & place(new).eqNullSafe(place(old))
    # What cannot be placed was never counted, so there is nothing to take back.
    was_counted = old[entity].isNotNull() & old[event_time].isNotNull() & old[key].isNotNull()
    upsert = F.when((F.col("op") != "d") & new[entity].isNotNull(), change(new, gone=False))
    gone = F.when(was_counted & ~stays, change(old, gone=True))
    return F.array_compact(F.array(upsert, gone))
