"""Debezium's envelope: from Kafka records to what happened to rows.

Each record is exactly one of applied, ignored (a tombstone, another table's event, a row that counts nowhere) and
dead letter (with a reason). An applied record says where its row is now (an upsert) and, when the row
was deleted or has moved to another entity or window, where it is no more (a `gone` change). An update to something
that cannot be read is a dead letter and takes the row back: a row counts as it is now, and that is unknown.
"""

import json
import re
from collections.abc import Callable, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdc_features import sql
from cdc_features.decoding import UNAVAILABLE, decoded, precise_bytes, unscaled_integer
from cdc_features.feature_set import FeatureSet, UnboundedWindow
from cdc_features.windows import home, length_ms

APPLIED, IGNORED, DEAD_LETTER = "applied", "ignored", "dead_letter"
METRICS = "cdc_events"

Transform = Callable[[DataFrame], DataFrame]

_NEEDS_FULL = "the event does not hold the row as it was: the table needs REPLICA IDENTITY FULL"


def row_changes(feature_set: FeatureSet) -> Transform:
    """Kafka records in; out, one row per change: `entity` (a struct of the key columns), `event_time` and `clock` (UTC)
    and `row`.

    `row` is struct(key, version, gone, values, at): `key` a struct of the primary key columns, `values` one of the
    columns that the features read, null when gone, and `at` where the record stands in Kafka: struct(partition,
    offset, home). `home`, where the newest window of the change starts (micros), is there once per record, for
    counting. `clock` moves the watermark. A truncated table is a gone row of the entity null.
    """

    def transform(records: DataFrame) -> DataFrame:
        return (
            records.transform(classified(feature_set))
            .selectExpr("explode(array(upsert, gone)) AS change")
            .where("change IS NOT NULL")
            .select("change.*")
        )

    return transform


def classified(feature_set: FeatureSet) -> Transform:
    """Kafka records in; the same records out, with `class`, `reason` (of a dead letter), and what it changes: `upsert`,
    where its row is now, and `gone`, where it is no more.

    The observation `METRICS` counts them, all of them: it also keeps Spark from pushing later filters down into
    the decoding, which would copy the expressions over and over until the driver's memory is full.
    """

    def transform(records: DataFrame) -> DataFrame:
        return (
            records.transform(decoded_events(feature_set))
            .selectExpr("*", f"{_verdict(feature_set)} AS verdict", f"{_position()} AS position")
            .selectExpr(
                *(sql.name(column) for column in records.columns),
                "verdict.class",
                "verdict.reason",
                *_changes(feature_set),
            )
            .observe(
                METRICS,
                F.expr("count(1) AS read"),
                F.expr(f"count_if(class = '{APPLIED}') AS applied"),
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
            .selectExpr("*", *_envelope(feature_set))
            .selectExpr("*", f"{_precise_bytes(feature_set)} AS bytes")
            .selectExpr("*", f"{_unscaled(feature_set)} AS unscaled")
            .selectExpr(
                "*",
                f"CASE WHEN op <> 'd' THEN {_decoded(feature_set, 'after')} END AS new",
                f"CASE WHEN op IN ('u', 'd') THEN {_decoded(feature_set, 'before')} END AS old",
            )
        )

    return transform


def _parsed(feature_set: FeatureSet) -> str:
    """The value as a struct of texts, whether bare or wrapped in `{schema, payload}`."""
    row = ", ".join(f"{sql.name(column.name)} STRING" for column in feature_set.source.columns)
    column = "field STRING, type STRING, name STRING, parameters STRUCT<scale STRING>"
    if feature_set.source.format == "flattened":
        event, fields = ", ".join([row, *(f"{name} STRING" for name in _FLATTENED)]), column
    else:
        event = f"""op STRING, before STRUCT<{row}>, after STRUCT<{row}>,
            source STRUCT<schema STRING, table STRING, lsn STRING, sequence STRING>"""
        fields = f"field STRING, fields ARRAY<STRUCT<{column}>>"
    whole = f"{event}, payload STRUCT<{event}>, schema STRUCT<fields ARRAY<STRUCT<{fields}>>>, _unparsable STRING"
    # Strict JSON, as every other reader of the log has it.
    options = (
        "'columnNameOfCorruptRecord', '_unparsable', 'allowSingleQuotes', 'false', 'allowNonNumericNumbers', 'false'"
    )
    return f"from_json(CAST(value AS STRING), {sql.text(whole)}, map({options}))"


# What ExtractNewRecordState adds to a row when told so by `add.fields`.
_FLATTENED = ("__deleted", "__op", "__lsn", "__source_lsn", "__table", "__source_table")


def _envelope(feature_set: FeatureSet) -> list[str]:
    """`op`, `before`, `after`, `source`, the types `declared` by the event's schema, and whether all is `unreadable`.

    Later steps do without the value and all that was parsed, which are large.
    """
    unreadable = f"(event IS NULL OR event._unparsable IS NOT NULL OR NOT ({_ENDS})) AS unreadable"
    if feature_set.source.format == "flattened":
        return [*_flattened(feature_set), _declared(feature_set, "event.schema.fields"), unreadable]
    either = [f"coalesce(event.payload.{part}, event.{part}) AS {part}" for part in ("op", "before", "after", "source")]
    row_schema = "try_element_at(filter(event.schema.fields, part -> part.field = 'after'), 1).fields"
    return [*either, _declared(feature_set, row_schema), unreadable]


# Spark's parser stops at the end of the object and does not look at what follows.
_ENDS = r"""endswith(CAST(value AS STRING), '}') OR endswith(rtrim(' \n\r\t', CAST(value AS STRING)), '}')"""


def _declared(feature_set: FeatureSet, row_schema: str) -> str:
    """Of each column whose encoding the event's schema can tell, its part of `row_schema`."""
    parts = {
        column.name: f"try_element_at(filter({row_schema}, part -> part.field = {sql.text(column.name)}), 1)"
        for column in feature_set.source.columns
        if column.decimal_size or column.type == "timestamp"
    }
    return f"{_struct(parts)} AS declared"


def _filled(feature_set: FeatureSet, column: str) -> str:
    """The column's text now; a large one that an update left out (TOAST) is as it was before."""
    now, then = f"after.{sql.name(column)}", f"before.{sql.name(column)}"
    if feature_set.source.column(column).type != "text":
        return now
    return f"CASE WHEN {now} = '{UNAVAILABLE}' THEN coalesce({then}, {now}) ELSE {now} END"


def _flattened(feature_set: FeatureSet) -> list[str]:
    """The same of a row without envelope, which is what it was, but for deletes."""
    columns = [column.name for column in feature_set.source.columns]

    def either(name: str) -> str:
        return f"coalesce(event.payload.{sql.name(name)}, event.{sql.name(name)})"

    schema, table = feature_set.source.table.split(".")
    row = _struct({name: either(name) for name in columns})
    deleted = f"{either('__deleted')} = 'true' OR {either('__op')} = 'd'"
    op = f"CASE WHEN {deleted} THEN 'd' ELSE coalesce({either('__op')}, 'u') END"
    source = _struct(
        {
            "schema": sql.text(schema),
            "table": f"coalesce({either('__table')}, {either('__source_table')}, {sql.text(table)})",
            "lsn": f"coalesce({either('__source_lsn')}, {either('__lsn')})",
            "sequence": "CAST(NULL AS STRING)",
        }
    )
    there = "event IS NOT NULL AND event._unparsable IS NULL"
    return [
        f"CASE WHEN {there} THEN {op} END AS op",
        f"CASE WHEN {there} AND ({deleted}) THEN {row} END AS before",
        f"CASE WHEN {there} AND NOT coalesce({deleted}, false) THEN {row} END AS after",
        f"CASE WHEN {there} THEN {source} END AS source",
    ]


def _image_columns(feature_set: FeatureSet, image: str) -> list[str]:
    """Of a row before, only what tells which row it is and where it is counted."""
    source = feature_set.source
    if image == "after":
        return [column.name for column in source.columns]
    return list(dict.fromkeys([*source.primary_key, *_place_columns(feature_set)]))


def _place_columns(feature_set: FeatureSet) -> list[str]:
    """The columns that say where a row is counted."""
    unbounded = all(isinstance(window, UnboundedWindow) for window in feature_set.windows)
    return [*feature_set.entity, *([] if unbounded else [feature_set.source.event_time])]


def _decimals(feature_set: FeatureSet) -> list[str]:
    """Keys and event times are no decimals, so of a row before none is read."""
    return [column.name for column in feature_set.source.columns if column.decimal_size]


def _struct(fields: dict[str, str]) -> str:
    return "named_struct(" + ", ".join(f"{sql.text(name)}, {value}" for name, value in fields.items()) + ")"


def _precise_bytes(feature_set: FeatureSet) -> str:
    return _struct(
        {
            name: precise_bytes(
                feature_set.source.column(name),
                f"after.{sql.name(name)}",
                f"declared.{sql.name(name)}",
                _is_quoted(name),
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
                _filled(feature_set, name) if image == "after" else f"{image}.{sql.name(name)}",
                f"declared.{sql.name(name)}",
                f"unscaled.{sql.name(name)}",
                # The whole window of an event time has to lie in the calendar.
                margin_micros=(length_ms(feature_set) or 0) * 1000 if name == feature_set.source.event_time else 0,
            )
            for name in _image_columns(feature_set, image)
        }
    )


def _verdict(feature_set: FeatureSet) -> str:
    """struct(class, reason, counts) of a record by the first rule that holds: `reason` of a dead letter, and whether
    it `counts`, that is, changes anything."""
    source = feature_set.source
    schema, table = source.table.split(".")
    event_time = sql.name(source.event_time)

    def undecodable(image: str, decoded: str, names: list[str]) -> str:
        reasons = (
            f"CASE WHEN {image}.{sql.name(name)} IS NOT NULL AND {decoded}.{sql.name(name)} IS NULL"
            f" THEN {sql.text(f'column {name} does not hold a {source.column(name).type}')} END"
            for name in names
        )
        return f"coalesce({', '.join(reasons)}, CAST(NULL AS STRING))"

    def missing(image: str) -> str:
        names = (
            f"CASE WHEN {image}.{sql.name(n)} IS NULL THEN {sql.text(f'the primary key {n} is missing')} END"
            for n in source.primary_key
        )
        return f"coalesce({', '.join(names)}, CAST(NULL AS STRING))"

    key = list(source.primary_key)
    no_key = f"CASE WHEN op = 'd' THEN {missing('before')} ELSE {missing('after')} END"
    bad_key = f"""CASE WHEN op = 'd' THEN {undecodable("before", "old", key)}
        ELSE {undecodable("after", "new", key)} END"""
    bad_value = undecodable("after", "new", _image_columns(feature_set, "after"))
    beside_key = [sql.name(column.name) for column in source.columns if column.name not in key]
    tells_nothing = " AND ".join([f"before.{column} IS NULL" for column in beside_key] or ["false"])
    nowhere = " OR ".join(f"after.{sql.name(name)} IS NULL" for name in feature_set.entity)
    counted = _was_counted(feature_set)
    dead, ignored = DEAD_LETTER, IGNORED
    rules: list[tuple[str, str, str | None]] = [
        ("value IS NULL", ignored, None),
        ("unreadable", dead, "'the value is not the JSON of an event'"),
        ("op IS NULL AND before IS NULL AND after IS NULL", ignored, None),
        ("source.table IS NULL OR source.schema IS NULL", dead, "'the event does not say of which table it is'"),
        (f"source.table <> {sql.text(table)} OR source.schema <> {sql.text(schema)}", ignored, None),
        ("op = 'm'", ignored, None),
        (
            "op IS NULL OR op NOT IN ('c', 'r', 'u', 'd', 't')",
            dead,
            "concat('unknown operation ', left(coalesce(op, 'null'), 40))",
        ),
    ]
    if source.append_only:
        done = "CASE op WHEN 'u' THEN 'an update' WHEN 'd' THEN 'a delete' ELSE 'a truncate' END"
        rules += [("op IN ('u', 'd', 't')", dead, f"concat('the definition says append_only, and this is ', {done})")]
    rules += [("op = 't'", APPLIED, None), ("op <> 'd' AND after IS NULL", dead, "'the event holds no row'")]
    if source.tells_the_past:
        rules += [("op IN ('u', 'd') AND before IS NULL", dead, sql.text(_NEEDS_FULL))]
    rules += [
        ("op = 'd' AND before IS NULL", dead, "'the event holds no row'"),
        (f"{no_key} IS NOT NULL", dead, no_key),
        (f"{bad_key} IS NOT NULL", dead, bad_key),
    ]
    if source.tells_the_past:
        rules += [(f"op IN ('u', 'd') AND {tells_nothing}", dead, sql.text(_NEEDS_FULL))]
    rules += [
        (f"(op = 'd' OR {nowhere}) AND {counted}", APPLIED, None),
        (f"op = 'd' OR {nowhere}", ignored, None),
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


def _position() -> str:
    """struct(commit_lsn, lsn) of an event, the order of changes: by commit, then by place in the log.

    `source.sequence` is a JSON text of [last commit LSN or null, LSN]; without any LSN the Kafka offset has to do.
    """
    parts = """split(translate(source.sequence, '[]" ', ''), ',')"""
    commit, place = (f"try_cast(get({parts}, {index}) AS BIGINT)" for index in (0, 1))
    # The usual form without a slow translate.
    usual = "startswith(source.sequence, '[\"')"
    commit = f"""CASE WHEN {usual} THEN try_cast(
        substr(source.sequence, 3, locate('"', source.sequence, 3) - 3) AS BIGINT) ELSE {commit} END"""
    lsn = f"coalesce(try_cast(source.lsn AS BIGINT), {place}, offset)"
    return _struct({"commit_lsn": f"coalesce({commit}, {lsn})", "lsn": lsn})


def _version(gone: bool) -> str:
    """The position, then leaving before being there: a change of the primary key is both at one place."""
    # A dead letter that is a spoilt copy of a good event is older than that.
    rank = f"CASE WHEN verdict.class = '{DEAD_LETTER}' THEN -1 ELSE {0 if gone else 1} END"
    return _struct({"commit_lsn": "position.commit_lsn", "lsn": "position.lsn", "rank": rank})


def _changes(feature_set: FeatureSet) -> list[str]:
    """`upsert` and `gone` of an event that counts."""
    source = feature_set.source
    applied = f"verdict.class = '{APPLIED}'"

    def columns(image: str, names: Sequence[str]) -> str:
        return _struct({name: f"{image}.{sql.name(name)}" for name in names})

    def time(image: str) -> str:
        known = image == "new" or source.event_time in _image_columns(feature_set, "before")
        return f"{image}.{sql.name(source.event_time)}" if known else "CAST(NULL AS TIMESTAMP)"

    def change(image: str, gone: bool, home_of: str) -> str:
        event_time = time(image)
        values = columns("new", feature_set.input_columns)
        return _change(
            entity=columns(image, feature_set.entity),
            event_time=event_time,
            # A snapshot comes in no order of time, and a wrong clock may be ahead of the log.
            clock=f"CASE WHEN op = 'r' THEN {_EPOCH} ELSE least({event_time}, timestamp) END",
            key=columns(image, source.primary_key),
            gone=gone,
            values=f"CASE WHEN {str(not gone).lower()} THEN {values} END",
            home_of=home_of,
        )

    def place(image: str) -> str:
        names = [*source.primary_key, *feature_set.entity]
        return f"struct({', '.join(f'{image}.{sql.name(n)}' for n in names)}, {home(feature_set, time(image))})"

    here, there = (home(feature_set, time(image)) for image in ("new", "old"))
    is_placed = " AND ".join(f"new.{sql.name(name)} IS NOT NULL" for name in feature_set.entity)
    is_upsert = f"{applied} AND op NOT IN ('d', 't') AND {is_placed}"
    # A dead letter takes its row back, but is counted as what it is.
    there = f"CASE WHEN {applied} AND NOT ({is_upsert}) THEN {there} END"
    stays = f"{is_upsert} AND {place('new')} <=> {place('old')}"
    truncated = _change(
        entity=_nulls(feature_set, feature_set.entity),
        event_time="timestamp",
        clock=_EPOCH,
        key=_nulls(feature_set, source.primary_key),
        gone=True,
        values=f"CASE WHEN false THEN {columns('new', feature_set.input_columns)} END",
        home_of=home(feature_set, "timestamp"),
    )
    upsert = f"CASE WHEN {is_upsert} THEN {change('new', False, here)} END"
    gone = f"""CASE
        WHEN op = 't' THEN {truncated}
        WHEN {_was_counted(feature_set)} AND NOT ({stays}) THEN {change("old", True, there)} END"""
    return [f"{upsert} AS upsert", f"CASE WHEN verdict.counts THEN {gone} END AS gone"]


_EPOCH = "timestamp_seconds(0)"


def _change(*, entity: str, event_time: str, clock: str, key: str, gone: bool, values: str, home_of: str) -> str:
    at = _struct({"partition": "partition", "offset": "offset", "home": home_of})
    row = _struct({"key": key, "version": _version(gone), "gone": str(gone).lower(), "values": values, "at": at})
    return _struct({"entity": entity, "event_time": event_time, "clock": clock, "row": row})


def _nulls(feature_set: FeatureSet, names: Sequence[str]) -> str:
    return _struct({name: f"CAST(NULL AS {sql.type(feature_set.source.column(name).type)})" for name in names})
