"""Every record is exactly one of applied, ignored and dead letter, and nothing in a record can end the query."""

import json

import pytest
from pyspark.sql import Observation, SparkSession

import customer_features
from cdc_features.dead_letters import unusable
from cdc_features.debezium import METRICS, classified, row_changes

from conftest import event, order, records

pytestmark = pytest.mark.spark

FEATURE_SET = customer_features.FEATURE_SET
DAY = "2026-11-20T00:00:00Z"
ROW = order(1, 5, 1999, DAY)
KEY_ONLY = {name: (1 if name == "order_id" else None) for name in ROW}
FULL = "REPLICA IDENTITY FULL"
JSON = "not the JSON of an event"

CASES: list[tuple[str | bytes | None, str, str]] = [
    (event("c", None, ROW, 1), "applied", ""),
    (event("r", None, ROW, 1, transaction=None), "applied", ""),
    (event("u", ROW, ROW, 1), "applied", ""),
    (event("d", ROW, None, 1), "applied", ""),
    (json.dumps({"schema": None, "payload": json.loads(event("c", None, ROW, 1))}), "applied", ""),
    (event("c", None, ROW | {"added_later": [1, {"x": None}]}, 1), "applied", ""),
    (event("c", None, order(1, 5, None, DAY), 1), "applied", ""),
    (event("u", ROW, order(1, None, 1999, DAY), 1), "applied", ""),
    (event("u", order(1, None, 1999, DAY), ROW, 1), "applied", ""),
    (event("u", order(1, 5, 1999, 9223372036825200000), ROW, 1), "applied", ""),
    (None, "ignored", ""),
    ('{"ts_ms":1}', "ignored", ""),
    ('{"schema":{},"payload":null}', "ignored", ""),
    (event("t", None, None, 1), "ignored", ""),
    (event("m", None, None, 1), "ignored", ""),
    (event("c", None, order(1, None, 1999, DAY), 1), "ignored", ""),
    (event("d", order(1, None, 1999, DAY), None, 1), "ignored", ""),
    (event("c", None, ROW, 1).replace('"orders"', '"customers"'), "ignored", ""),
    (event("c", None, ROW, 1).replace('"public"', '"archive"'), "ignored", ""),
    ("", "dead_letter", JSON),
    ("x", "dead_letter", JSON),
    ('{"op":"c"', "dead_letter", JSON),
    ("{'op':'c'}", "dead_letter", JSON),
    ("[1]", "dead_letter", JSON),
    (b"\xff\xfe\x00", "dead_letter", JSON),
    ('{"op":"c","after":{"order_id":' + "[" * 5000 + "]" * 5000 + "}}", "dead_letter", JSON),
    ('{"op":"c","after":{"order_id":' + "9" * 5000 + "}}", "dead_letter", JSON),
    ('{"op":"c","after":"x"}', "dead_letter", JSON),
    (event("x", None, ROW, 1), "dead_letter", "unknown operation x"),
    (event("z" * 1000, None, ROW, 1), "dead_letter", "unknown operation zzz"),
    ('{"op":"c","before":null,"after":null}', "dead_letter", "no row"),
    ('{"after":{"order_id":1}}', "dead_letter", "unknown operation null"),
    (
        event("c", None, order(1, 5, 1999, DAY) | {"order_id": None}, 1),
        "dead_letter",
        "primary key order_id is missing",
    ),
    (event("d", KEY_ONLY, None, 1), "dead_letter", FULL),
    (event("d", None, None, 1), "dead_letter", FULL),
    (event("u", None, ROW, 1), "dead_letter", FULL),
    (event("c", None, ROW | {"total_amount": "NaN"}, 1), "dead_letter", "total_amount does not hold a decimal(12,2)"),
    (event("c", None, ROW | {"customer_id": 2**64}, 1), "dead_letter", "customer_id does not hold a bigint"),
    (event("c", None, order(1, 5, 1999, None), 1), "dead_letter", "event time created_at is missing"),
    (event("c", None, order(1, 5, 1999, "infinity"), 1), "dead_letter", "created_at does not hold a timestamp"),
    (event("d", order(1, 5, 1999, "infinity"), None, 1), "dead_letter", "created_at does not hold a timestamp"),
]


def test_every_record_has_one_class_and_dead_letters_a_reason(spark: SparkSession) -> None:
    rows = (
        records(spark, [value for value, _, _ in CASES]).transform(classified(FEATURE_SET)).orderBy("offset").collect()
    )
    wrong = [
        (value, row["class"], row["reason"])
        for (value, expected, reason), row in zip(CASES, rows, strict=True)
        if row["class"] != expected
        or reason not in (row["reason"] or "")
        or (row["reason"] is None) == (expected == "dead_letter")
    ]
    assert not wrong


def test_observed_counts_are_those_of_the_classes(spark: SparkSession) -> None:
    frame = records(spark, [value for value, _, _ in CASES])
    frame.transform(row_changes(FEATURE_SET)).write.format("noop").mode("overwrite").save()
    # The library names its observation for streaming; a batch query needs an object to read the same metrics.
    observation = Observation()
    again = frame.transform(classified(FEATURE_SET)).observe(observation, *_counts())
    again.write.format("noop").mode("overwrite").save()
    expected = {name: sum(case[1] == name for case in CASES) for name in ("applied", "ignored", "dead_letter")}
    assert observation.get == expected
    assert METRICS == "cdc_events"


def _counts() -> list[object]:
    from pyspark.sql import functions as F

    return [F.expr(f"count_if(class = '{name}')").alias(name) for name in ("applied", "ignored", "dead_letter")]


def test_dead_and_late_records_are_set_aside_with_their_reason(spark: SparkSession) -> None:
    october, november = "2026-10-01T00:00:00Z", "2026-11-20T00:00:00Z"  # windows that end on 4 October and 3 December
    watermark_ms = 1_791_072_000_000  # 2026-10-04T00:00:00Z
    values = [
        event("c", None, order(1, 5, 1, october), 1),
        event("c", None, order(2, 5, 1, november), 2),
        event("u", order(3, 5, 1, october), order(3, 5, 1, november), 3),
        event("u", order(4, 5, 1, october), order(4, 6, 1, october), 4),
        "x" * 100_000,
        None,
    ]
    rows = unusable(records(spark, list(values)), FEATURE_SET, watermark_ms).orderBy("offset").collect()
    assert [(row["offset"], row["reason"].split(":")[0]) for row in rows] == [
        (0, "too late"),
        (3, "too late"),
        (4, "the value is not the JSON of an event"),
    ]
    assert len(rows[2]["value"]) == 64 * 1024
    assert unusable(records(spark, list(values[:2])), FEATURE_SET, watermark_ms - 1).count() == 0
