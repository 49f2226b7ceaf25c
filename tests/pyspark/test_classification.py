"""Every record is exactly one of applied, ignored and dead letter, and nothing in a record can end the query."""

import base64
import json
from pathlib import Path

import pytest
from pyspark.sql import Observation, SparkSession

import customer_features
from cdc_features.dead_letters import unusable
from cdc_features.debezium import METRICS, classified, row_changes

from conftest import event, order, records

pytestmark = pytest.mark.spark

FEATURE_SET = customer_features.FEATURE_SET
DAY = "2026-11-20T00:00:00Z"
FIXTURE = Path(__file__).parents[1] / "fixtures" / "record-classes.json"


def cases() -> list[tuple[str | bytes | None, str, str]]:
    """Value, class and part of the reason; tests/contract/record-classes.test.ts reads the same file."""
    return [
        (
            base64.b64decode(record["base64"]) if "base64" in record else record["value"],
            record["class"],
            record.get("reason", ""),
        )
        for record in json.loads(FIXTURE.read_text())["records"]
    ]


CASES = cases()


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
    october, november = ("2026-10-01T00:00:00Z", "2026-11-20T00:00:00Z")  # windows that end on 4 October and 3 December
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
