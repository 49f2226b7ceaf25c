"""Debezium's envelope: from Kafka records to what happened to rows.

Each record is exactly one of applied, ignored (a tombstone, another table's event, a row that counts nowhere) and
dead letter (with a reason). An applied record says where its row is now (an upsert) and, when the row
was deleted or has moved to another entity or window, where it is no more (a `gone` change). An update to something
that cannot be read is a dead letter and takes the row back: a row counts as it is now, and that is unknown.
"""

import json
import re
from collections.abc import Callable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdc_features import sql
from cdc_features.decoding import decoded, precise_bytes, unscaled_integer
from cdc_features.feature_set import FeatureSet
from cdc_features.windows import tumbling_start

APPLIED, IGNORED, DEAD_LETTER = "applied", "ignored", "dead_letter"
METRICS = "cdc_events"

Transform = Callable[[DataFrame], DataFrame]

_NEEDS_FULL = "the event does not hold the row as it was: the table needs REPLICA IDENTITY FULL"


def row_changes(feature_set: FeatureSet) -> Transform:
    """Kafka records in; out, one row per change: `entity`, `event_time` (UTC) and `row`.

    `row` is struct(key, version, gone, values); `values` holds the event time and what the aggregates read,
    null when gone.
    """

    def transform(records: DataFrame) -> DataFrame:
        return records.transform(classified(feature_set)).selectExpr("explode(changes) AS change").select("change.*")

    return transform


def classified(feature_set: FeatureSet) -> Transform:
    """Kafka records in; the same records out, with `class`, `reason` (of a dead letter) and `changes`.

    The observation `METRICS` counts them, all of them: it also keeps Spark from pushing later filters down into
    the decoding, which would copy the expressions over and over until the driver's memory is full.
    """

    def transform(records: DataFrame) -> DataFrame:
        return (
            records.transform(decoded_events(feature_set))
            .selectExpr("*", f"{_verdict(feature_set)} AS verdict")
            .selectExpr(
                *(sql.name(column) for column in records.columns),
                "verdict.class",
                "verdict.reason",
                f"CASE WHEN verdict.counts THEN {_changes(feature_set)} END AS changes",
            )
            .observe(
                METRICS,
                F.expr("count(1) AS read"),
                F.expr(f"count_if(class = '{IGNORED}') AS ignored"),
                F.expr(f"count_if(class = '{DEAD_LETTER}') AS dead_letters"),
                F.expr("max(unix_millis(timestamp)) AS max_timestamp_ms"),
            )
        )

    return transform


def decoded_events(feature_set: FeatureSet) -> Transform:
    """Kafka records in; the same records out, with `op`, `new` and `old`: the row's images in the columns' types.

    `old`, of updates and deletes, has only what tells which row it is and where it was counted. The raw texts
    stay beside them (`after`, `before`), so that a value that could not be decoded can be told from a null.
    """

    def transform(records: DataFrame) -> DataFrame:
        # Several small steps, because Spark evaluates a column once that later steps use many times.
        return (
            records.selectExpr("*", f"{_parsed(feature_set)} AS event")
            .selectExpr("*", *_envelope())
            .selectExpr("*", f"{_precise_bytes(feature_set)} AS bytes")
            .selectExpr("*", f"{_unscaled(feature_set)} AS unscaled")
            .selectExpr(
                "*",
                f"CASE WHEN op <> 'd' THEN {_decoded(feature_set, 'after')} END AS new",
                f"CASE WHEN op IN ('u', 'd') THEN {_decoded(feature_set, 'before')} END AS old",
            )
        )

    return transform


def input_columns(feature_set: FeatureSet) -> list[str]:
    """The columns that travel with a row into the state: the event time and what the aggregates read."""
    read = [feature.column for feature in feature_set.aggregated if feature.column is not None]
    return list(dict.fromkeys([feature_set.source.event_time, *read]))


def _parsed(feature_set: FeatureSet) -> str:
    """The value as a struct of texts, whether the envelope is bare or wrapped in `{schema, payload}`."""
    row = ", ".join(f"{sql.name(column.name)} STRING" for column in feature_set.source.columns)
    envelope = f"""op STRING, before STRUCT<{row}>, after STRUCT<{row}>,
        source STRUCT<schema STRING, table STRING, lsn STRING, sequence STRING>"""
    column = "STRUCT<field STRING, type STRING, name STRING, parameters STRUCT<scale STRING>>"
    event = f"""{envelope}, payload STRUCT<{envelope}>,
        schema STRUCT<fields ARRAY<STRUCT<field STRING, fields ARRAY<{column}>>>>, _unparsable STRING"""
    # Strict JSON, as every other reader of the log has it.
    options = (
        "'columnNameOfCorruptRecord', '_unparsable', 'allowSingleQuotes', 'false', 'allowNonNumericNumbers', 'false'"
    )
    return f"from_json(CAST(value AS STRING), {sql.text(event)}, map({options}))"


def _envelope() -> list[str]:
    either = [f"coalesce(event.payload.{part}, event.{part}) AS {part}" for part in ("op", "before", "after", "source")]
    row_schema = "try_element_at(filter(event.schema.fields, part -> part.field = 'after'), 1).fields"
    return [*either, f"{row_schema} AS columns"]


def _image_columns(feature_set: FeatureSet, image: str) -> list[str]:
    """Of a row before, only what tells which row it is and where it is counted."""
    source = feature_set.source
    if image == "after":
        return [column.name for column in source.columns]
    return list(dict.fromkeys([source.primary_key, feature_set.entity, source.event_time]))


def _decimals(feature_set: FeatureSet) -> list[str]:
    """Keys and event times are no decimals, so of a row before none is read."""
    return [column.name for column in feature_set.source.columns if column.decimal_size]


def _schema_of(column: str) -> str:
    return f"try_element_at(filter(columns, part -> part.field = {sql.text(column)}), 1)"


def _struct(fields: dict[str, str]) -> str:
    return "named_struct(" + ", ".join(f"{sql.text(name)}, {value}" for name, value in fields.items()) + ")"


def _precise_bytes(feature_set: FeatureSet) -> str:
    return _struct(
        {
            name: precise_bytes(
                feature_set.source.column(name), f"after.{sql.name(name)}", _schema_of(name), _is_quoted(name)
            )
            for name in _decimals(feature_set)
        }
    )


def _is_quoted(column: str) -> str:
    """Whether digits stand in quotes: once parsed, the number 1000 looks like the text "1000"."""
    before = sql.text(re.escape(json.dumps(column)) + r'\s*:\s*"')
    return f"""CAST(value AS STRING) RLIKE concat({before}, after.{sql.name(column)}, '"')"""


def _unscaled(feature_set: FeatureSet) -> str:
    return _struct({name: unscaled_integer(f"bytes.{sql.name(name)}") for name in _decimals(feature_set)})


def _decoded(feature_set: FeatureSet, image: str) -> str:
    return _struct(
        {
            name: decoded(
                feature_set.source.column(name),
                f"{image}.{sql.name(name)}",
                _schema_of(name),
                f"unscaled.{sql.name(name)}",
                # The whole window of an event time has to lie in the calendar.
                margin_micros=feature_set.window.length_ms * 1000 if name == feature_set.source.event_time else 0,
            )
            for name in _image_columns(feature_set, image)
        }
    )


def _verdict(feature_set: FeatureSet) -> str:
    """struct(class, reason, counts) of a record by the first rule that holds: `reason` of a dead letter, and whether
    it `counts`, that is, changes anything."""
    source = feature_set.source
    schema, table = source.table.split(".")
    entity, event_time, key = (sql.name(n) for n in (feature_set.entity, source.event_time, source.primary_key))

    def undecodable(image: str, decoded: str, names: list[str]) -> str:
        reasons = (
            f"CASE WHEN {image}.{sql.name(name)} IS NOT NULL AND {decoded}.{sql.name(name)} IS NULL"
            f" THEN {sql.text(f'column {name} does not hold a {source.column(name).type}')} END"
            for name in names
        )
        return f"coalesce({', '.join(reasons)}, CAST(NULL AS STRING))"

    bad_key = f"""CASE WHEN op = 'd' THEN {undecodable("before", "old", [source.primary_key])}
        ELSE {undecodable("after", "new", [source.primary_key])} END"""
    bad_value = undecodable("after", "new", _image_columns(feature_set, "after"))
    beside_key = [sql.name(column.name) for column in source.columns if column.name != source.primary_key]
    tells_nothing = " AND ".join(f"before.{column} IS NULL" for column in beside_key)
    counted = _was_counted(feature_set)
    # Spark's parser stops at the end of the object and does not look at what follows.
    ends = r"endswith(rtrim(' \n\r\t', CAST(value AS STRING)), '}')"
    dead, ignored = DEAD_LETTER, IGNORED
    rules: list[tuple[str, str, str | None]] = [
        ("value IS NULL", ignored, None),
        (
            f"event IS NULL OR event._unparsable IS NOT NULL OR NOT {ends}",
            dead,
            "'the value is not the JSON of an event'",
        ),
        ("op IS NULL AND before IS NULL AND after IS NULL", ignored, None),
        ("source.table IS NULL OR source.schema IS NULL", dead, "'the event does not say of which table it is'"),
        (f"source.table <> {sql.text(table)} OR source.schema <> {sql.text(schema)}", ignored, None),
        ("op IN ('m', 't')", ignored, None),
        (
            "op IS NULL OR op NOT IN ('c', 'r', 'u', 'd')",
            dead,
            "concat('unknown operation ', left(coalesce(op, 'null'), 40))",
        ),
        ("op <> 'd' AND after IS NULL", dead, "'the event holds no row'"),
        ("op IN ('u', 'd') AND before IS NULL", dead, sql.text(_NEEDS_FULL)),
        (
            f"CASE WHEN op = 'd' THEN before.{key} ELSE after.{key} END IS NULL",
            dead,
            sql.text(f"the primary key {source.primary_key} is missing"),
        ),
        (f"{bad_key} IS NOT NULL", dead, bad_key),
        (f"op IN ('u', 'd') AND {tells_nothing}", dead, sql.text(_NEEDS_FULL)),
        (f"(op = 'd' OR after.{entity} IS NULL) AND {counted}", APPLIED, None),
        (f"op = 'd' OR after.{entity} IS NULL", ignored, None),
    ]
    of_the_row = [
        (f"{bad_value} IS NOT NULL", dead, bad_value),
        (f"after.{event_time} IS NULL", dead, sql.text(f"the event time {source.event_time} is missing")),
    ]
    cases = [f"WHEN {rule} THEN {_class(name, reason, name == APPLIED)}" for rule, name, reason in rules]
    cases += [f"WHEN {rule} THEN {_class(name, reason, True)}" for rule, name, reason in of_the_row]
    return f"CASE {' '.join(cases)} ELSE {_class(APPLIED, None, True)} END"


def _class(name: str, reason: str | None, counts: bool) -> str:
    return _struct(
        {"class": sql.text(name), "reason": f"CAST({reason or 'NULL'} AS STRING)", "counts": str(counts).lower()}
    )


def _was_counted(feature_set: FeatureSet) -> str:
    """Whether the row before was in an entity's window; what could not be placed was in none."""
    return "(" + " AND ".join(f"old.{sql.name(c)} IS NOT NULL" for c in _image_columns(feature_set, "before")) + ")"


def _version() -> str:
    """Order of changes: commit, place in the log, delete before create (a key change is both at the same place).

    `source.sequence` is a JSON text of [last commit LSN or null, LSN]; without any LSN the Kafka offset has to do.
    """
    commit, place = (f"try_cast(get_json_object(source.sequence, '$[{index}]') AS BIGINT)" for index in (0, 1))
    lsn = f"coalesce(try_cast(source.lsn AS BIGINT), {place}, offset)"
    # A dead letter that is a spoilt copy of a good event is older than that.
    rank = f"CASE WHEN verdict.class = '{DEAD_LETTER}' THEN -1 WHEN op = 'd' THEN 0 ELSE 1 END"
    return _struct({"commit_lsn": f"coalesce({commit}, {lsn})", "lsn": lsn, "rank": rank})


def _changes(feature_set: FeatureSet) -> str:
    """Up to two changes of an event that counts."""
    source = feature_set.source
    key, entity, event_time = (sql.name(n) for n in (source.primary_key, feature_set.entity, source.event_time))

    def change(image: str, gone: bool) -> str:
        values = _struct({name: f"new.{sql.name(name)}" for name in input_columns(feature_set)})
        row = {
            "key": f"{image}.{key}",
            "version": _version(),
            "gone": str(gone).lower(),
            "values": f"CASE WHEN {str(not gone).lower()} THEN {values} END",
        }
        return _struct({"entity": f"{image}.{entity}", "event_time": f"{image}.{event_time}", "row": _struct(row)})

    def place(image: str) -> str:
        start = tumbling_start(f"{image}.{event_time}", feature_set.window.length_ms)
        return f"struct({image}.{key}, {image}.{entity}, {start})"

    applied = f"verdict.class = '{APPLIED}'"
    upsert = f"CASE WHEN {applied} AND op <> 'd' AND new.{entity} IS NOT NULL THEN {change('new', gone=False)} END"
    stays = f"{applied} AND op <> 'd' AND {place('new')} <=> {place('old')}"
    gone = f"CASE WHEN {_was_counted(feature_set)} AND NOT ({stays}) THEN {change('old', gone=True)} END"
    return f"array_compact(array({upsert}, {gone}))"
