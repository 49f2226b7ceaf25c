"""What a real-time batch publishes, and what the offline store makes of it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

import customer_features
from cdc_features.checkpoint import Batch
from cdc_features.publication import messages, stage, took_truncate
from cdc_features.rules import Range

from conftest import computed, event, order, records

pytestmark = pytest.mark.spark

FEATURE_SET = customer_features.FEATURE_SET
NOVEMBER = "2026-11-20T10:00:00.000001Z"
START = 1_793_664_000
EVENTS = [
    event("c", None, order(1, 5, 100_000, NOVEMBER), 1),
    event("c", None, order(2, 5, 250, NOVEMBER), 2),
    event("c", None, order(3, 6, 1, NOVEMBER), 3),
    event("d", order(3, 6, 1, NOVEMBER), None, 4),
]


def published(spark: SparkSession, events: list[str]) -> dict[str, dict[str, Any]]:
    rows = messages(customer_features.build(records(spark, list(events))), FEATURE_SET).collect()
    return {row["key"]: json.loads(row["value"]) for row in rows}


def test_a_message_has_the_values_of_a_micro_batch_and_how_new_they_are(spark: SparkSession) -> None:
    told = published(spark, [*EVENTS, EVENTS[0]])
    bought, gone = (told[f"customer:{n}:features@{START:012d}"] for n in (5, 6))
    (expected,) = (row for row in computed(spark, customer_features, EVENTS) if row["customer_id"] == 5)
    features = json.loads(bought["payload"])
    values = dict(zip(features[::2], features[1::2], strict=True))
    assert values["total_spend_30d"] == str(expected["total_spend_30d"]) == "1002.50"
    assert (values["order_count_30d"], values["avg_order_value_30d"], values["is_high_value"]) == (
        "2",
        "501.25",
        "true",
    )
    assert (values["_window_start"], values["_event_time"]) == ("2026-11-03T00:00:00Z", NOVEMBER)
    assert [bought[name] for name in ("key", "window", "count", "duplicates", "truncated")] == [
        *("customer:5:features", f"{START:012d}", 3, 1, None)
    ]
    assert (gone["payload"], gone["row"]["is_deleted"], gone["row"]["order_count_30d"]) == ("", "true", None)


BATCH = Batch(0, {}, {"t": {"0": 5}}, 0)


def newest_published(spark: SparkSession) -> DataFrame:
    rows = [
        (value["key"], value["window"], json.dumps(value["row"]), value["payload"], value["duplicates"])
        for value in published(spark, [*EVENTS, EVENTS[0]]).values()
    ]
    return spark.createDataFrame(rows, "key string, window string, row string, payload string, duplicates bigint")


def test_the_offline_store_gets_the_published_rows(spark: SparkSession, tmp_path: Path) -> None:
    report = stage(newest_published(spark), FEATURE_SET, BATCH, str(tmp_path))
    assert (report.entities, report.duplicates, len(report.parts)) == (2, 1, 1)
    bought, gone = pq.read_table(report.parts[0]).to_pylist()
    (expected,) = (row.asDict() for row in computed(spark, customer_features, EVENTS) if row["customer_id"] == 5)
    passing = ("batch_id", "created_timestamp", "days_since_last_order")
    shown = {name: value for name, value in bought.items() if name not in passing}
    assert {name: str(value).replace("+00:00", "") for name, value in shown.items()} == {
        name: str(value) for name, value in expected.items() if name in shown
    }
    assert (bought["batch_id"], gone["customer_id"], gone["is_deleted"]) == (5, 6, True)


def test_rules_are_looked_at_and_hold_nothing_back(spark: SparkSession, tmp_path: Path) -> None:
    rules = [
        Range("much", "total_spend_30d", max="1000", severity="warn"),
        Range("many", "order_count_30d", max="2", severity="warn"),
    ]
    feature_set = replace(FEATURE_SET, validation=rules)
    report = stage(newest_published(spark), feature_set, BATCH, str(tmp_path / "rows"), str(tmp_path / "held"))
    assert (report.violations, report.quarantined, report.held_parts) == ({"much": 1}, 0, [])
    (part,) = report.parts
    assert pq.read_table(part).num_rows == 2


def test_a_truncate_is_seen_at_once(spark: SparkSession) -> None:
    took_truncate(spark)
    published(spark, EVENTS)
    assert not took_truncate(spark)
    told = published(spark, [event("t", None, None, 10)])
    (message,) = told.values()
    assert (message["key"], message["truncated"]) == (None, {"commit_lsn": 10, "lsn": 10, "rank": 0})
    assert (took_truncate(spark), took_truncate(spark)) == (True, False)
