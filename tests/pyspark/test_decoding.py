"""Every encoding of NUMERIC, timestamps and dates, with and without the event's schema, and poison."""

import json
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from cdc_features.debezium import classified
from cdc_features.feature_set import Aggregated, Column, FeatureSet, Source, TumblingWindow

from conftest import precise, records

pytestmark = pytest.mark.spark

KAFKA_DECIMAL = "org.apache.kafka.connect.data.Decimal"
UNDECODABLE = object()
NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
NOON_SECONDS = 1_795_176_000


ODD = json.loads((Path(__file__).parents[1] / "fixtures" / "odd-values.json").read_text())


def decode(spark: SparkSession, column: Column, cases: list[tuple[Any, dict[str, Any] | None]]) -> list[Any]:
    """What each raw value becomes when it comes through the whole parser."""
    return decode_events(spark, column, [_event(column.name, raw, schema) for raw, schema in cases])


def decode_events(spark: SparkSession, column: Column, events: list[str]) -> list[Any]:
    source = Source("public.t", ["id"], "at", [Column("id", "bigint"), Column("at", "timestamp"), column])
    feature_set = FeatureSet(
        "x",
        ["id"],
        source,
        [TumblingWindow("1 day", "1 day")],
        "1 hour",
        [Aggregated("n", "count_distinct", column=column.name)],
    )
    # Not `collect`, which reads no time of the year 1.
    rows = records(spark, events).transform(classified(feature_set)).orderBy("offset").select("changes").toArrow()
    return [
        changes[0]["row"]["values"][column.name] if changes else UNDECODABLE
        for changes in rows.column("changes").to_pylist()
    ]


def _event(name: str, raw: Any, schema: dict[str, Any] | None) -> str:
    row = {"id": 1, "at": NOON_SECONDS * 1_000_000, name: raw}
    envelope = {"op": "c", "before": None, "after": row, "source": {"schema": "public", "table": "t"}}
    if schema is None:
        return json.dumps(envelope)
    fields = [{"type": "int64", "field": "id"}, {**schema, "field": name}]
    images = [{"type": "struct", "fields": fields, "field": image} for image in ("before", "after")]
    return json.dumps({"schema": {"type": "struct", "fields": images}, "payload": envelope})


def check(spark: SparkSession, column: Column, cases: list[tuple[Any, dict[str, Any] | None, Any]]) -> None:
    got = decode(spark, column, [(raw, schema) for raw, schema, _ in cases])
    wrong = [(case, value) for case, value in zip(cases, got, strict=True) if value != case[2]]
    assert not wrong


def connect_decimal(scale: int) -> dict[str, Any]:
    return {"type": "bytes", "name": KAFKA_DECIMAL, "parameters": {"scale": str(scale)}}


def test_decimals(spark: SparkSession) -> None:
    text, double = {"type": "string"}, {"type": "double"}
    check(
        spark,
        Column("v", "decimal(12,2)"),
        [
            ("B88=", None, Decimal("19.99")),
            ("nA==", None, Decimal("-1.00")),
            ("AIA=", None, Decimal("1.28")),
            ("/4A=", None, Decimal("-1.28")),
            ("AA==", None, Decimal("0.00")),
            (precise(999_999_999_999), None, Decimal("9999999999.99")),
            (precise(-999_999_999_999), connect_decimal(2), Decimal("-9999999999.99")),
            (precise(1_000_000_000_000), None, UNDECODABLE),
            (precise(12345), connect_decimal(3), UNDECODABLE),
            (precise(12340), connect_decimal(3), Decimal("12.34")),
            (precise(0), connect_decimal(5), Decimal("0.00")),
            (precise(12), connect_decimal(0), Decimal("12.00")),
            (precise(12), connect_decimal(-2), Decimal("1200.00")),
            ({"scale": 1, "value": precise(-15)}, None, Decimal("-1.50")),
            ({"scale": 4, "value": precise(15)}, None, UNDECODABLE),
            ({"scale": -2147483648, "value": "AA=="}, None, UNDECODABLE),
            ({"scale": 2147483647, "value": "AQ=="}, None, UNDECODABLE),
            ({"scale": "x"}, None, UNDECODABLE),
            ("19.99", None, Decimal("19.99")),
            ("-0.5", text, Decimal("-0.50")),
            ("1000", text, Decimal("1000.00")),
            ("19.9900", None, Decimal("19.99")),
            ("19.999", None, UNDECODABLE),
            (19.99, None, Decimal("19.99")),
            (-1.0e7, double, Decimal("-10000000.00")),
            (1.5e-7, double, UNDECODABLE),
            (1e20, double, UNDECODABLE),
            ("1.0E+2", None, Decimal("100.00")),
            ("0E-10", None, Decimal("0.00")),
            ("NaN", None, UNDECODABLE),
            ("Infinity", None, UNDECODABLE),
            ("-Infinity", None, UNDECODABLE),
            ("", None, UNDECODABLE),
            ("====", None, UNDECODABLE),
            ("A+c=", None, Decimal("9.99")),
            ("twelve", None, UNDECODABLE),
            ("9" * 5000, None, UNDECODABLE),
            ([1], None, UNDECODABLE),
            ("__debezium_unavailable_value", None, UNDECODABLE),
            (None, None, None),
        ],
    )


def test_the_widest_decimals(spark: SparkSession) -> None:
    widest = 10**38 - 1
    check(
        spark,
        Column("v", "decimal(38,4)"),
        [(precise(n), None, Decimal(n).scaleb(-4)) for n in (1, -1, 127, -128, 2**63, -(2**63), -(2**63) - 1, 2**64)]
        + [(precise(n), None, Decimal((n < 0, tuple(map(int, str(abs(n)))), -4))) for n in (widest, -widest)]
        + [(precise(n), None, UNDECODABLE) for n in (widest + 1, -widest - 1, 2**127 - 1, 2**127, 2**200)],
    )


def test_a_forced_encoding_wins(spark: SparkSession) -> None:
    check(
        spark,
        Column("v", "decimal(12,0)", encoding="text"),
        [("1234", None, Decimal(1234)), ("B88=", None, UNDECODABLE)],
    )
    check(
        spark,
        Column("v", "decimal(12,0)", encoding="precise"),
        [(precise(1234), {"type": "string"}, Decimal(1234)), ("12.5", None, UNDECODABLE)],
    )


def test_timestamps(spark: SparkSession) -> None:
    def named(name: str) -> dict[str, Any]:
        return {"type": "int64", "name": name}

    micros = NOON.replace(microsecond=123_456)
    check(
        spark,
        Column("v", "timestamp"),
        [
            ("2026-11-20T12:00:00Z", None, NOON),
            ("2026-11-20T12:00:00.123456Z", None, micros),
            ("2026-11-20T14:00:00.123456+02:00", None, micros),
            ("2026-11-20 12:00:00+00", None, NOON),
            (NOON_SECONDS * 10**6 + 123_456, None, micros),
            (NOON_SECONDS * 10**6 + 123_456, named("io.debezium.time.MicroTimestamp"), micros),
            (NOON_SECONDS * 10**3, named("io.debezium.time.Timestamp"), NOON),
            (NOON_SECONDS * 10**3, named("org.apache.kafka.connect.data.Timestamp"), NOON),
            (NOON_SECONDS * 10**9 + 123_456_789, named("io.debezium.time.NanoTimestamp"), micros),
            (-1, named("io.debezium.time.NanoTimestamp"), datetime(1969, 12, 31, 23, 59, 59, 999_999, timezone.utc)),
            ("infinity", None, UNDECODABLE),
            ("-infinity", None, UNDECODABLE),
            (9223372036825200000, None, UNDECODABLE),
            (-9223372036832400000, None, UNDECODABLE),
            (9223372036854775807, named("io.debezium.time.NanoTimestamp"), UNDECODABLE),
            (-9223372036854775808, named("io.debezium.time.NanoTimestamp"), UNDECODABLE),
            (9223372036854775807, named("io.debezium.time.Timestamp"), UNDECODABLE),
            (253_402_300_800_000_000, None, UNDECODABLE),
            ("294276-12-31T23:59:59Z", None, UNDECODABLE),
            ("2026-02-30T00:00:00Z", None, UNDECODABLE),
            ("2026", None, datetime(1970, 1, 1, 0, 0, 0, 2026, timezone.utc)),
            ("yesterday", None, UNDECODABLE),
            (10**30, None, UNDECODABLE),
            (1.5, None, UNDECODABLE),
        ],
    )


@pytest.mark.parametrize(("unit", "factor"), [("millis", 10**3), ("micros", 10**6), ("nanos", 10**9)])
def test_a_bare_number_counts_in_the_declared_unit(spark: SparkSession, unit: Any, factor: int) -> None:
    check(spark, Column("v", "timestamp", unit=unit), [(NOON_SECONDS * factor, None, NOON)])


def test_plain_types(spark: SparkSession) -> None:
    check(
        spark,
        Column("v", "bigint"),
        [
            (2**63 - 1, None, 2**63 - 1),
            (2**63, None, UNDECODABLE),
            ("12", None, 12),
            (1.5, None, UNDECODABLE),
            ({}, None, UNDECODABLE),
        ],
    )
    check(spark, Column("v", "integer"), [(-5, None, -5), (2**31, None, UNDECODABLE)])
    check(spark, Column("v", "boolean"), [(True, None, True), (False, None, False), ("maybe", None, UNDECODABLE)])
    check(
        spark,
        Column("v", "text"),
        [("é", None, "é"), ("", None, ""), ("__debezium_unavailable_value", None, UNDECODABLE)],
    )
    check(
        spark,
        Column("v", "date"),
        [
            (20412, None, date(2025, 11, 20)),
            ("2025-11-20", None, date(2025, 11, 20)),
            ("2025-11-20Z", None, date(2025, 11, 20)),
            (2**31 - 1, None, UNDECODABLE),
            (2932897, None, UNDECODABLE),
            ("2025-02-30", None, UNDECODABLE),
        ],
    )


@pytest.mark.parametrize("column", ODD["columns"], ids=lambda column: str([*column.values()][:-1]))
def test_odd_values_are_what_the_verifier_takes_them_for(spark: SparkSession, column: dict[str, Any]) -> None:
    """tests/contract/odd-values.test.ts reads the same file."""
    written = {name: value for name, value in column.items() if name != "decodes"}
    # Values stand in the JSON as they are written, so that no number is made another.
    events = [_event("odd", "ODD", None).replace('"ODD"', value) for value in ODD["values"]]
    decoded = decode_events(spark, Column("odd", **written), events)
    found = {raw: value for raw, value in zip(ODD["values"], decoded, strict=True) if value is not UNDECODABLE}
    assert found.keys() == column["decodes"].keys()
    assert [raw for raw, value in found.items() if not _is(value, column["decodes"][raw])] == []


def _is(value: Any, written: str) -> bool:
    if isinstance(value, Decimal):
        return value == Decimal(written)
    if isinstance(value, datetime):
        return value == datetime.fromisoformat(written.replace("Z", "+00:00"))
    return (str(value).lower() if isinstance(value, bool) else str(value)) == written
