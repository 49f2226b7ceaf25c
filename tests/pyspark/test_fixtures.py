"""Events caught from the real connector mean what was written down when they were caused.

tests/contract/debezium-fixtures.test.ts reads the same files, so that the two languages cannot drift apart.
"""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from cdc_features.debezium import classified, decoded_events
from cdc_features.feature_set import Aggregated, Column, FeatureSet, Source, TumblingWindow

from conftest import records

pytestmark = pytest.mark.spark

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "debezium").glob("*.json"))
LOCATION = ("id", "entity", "at_zone")
Written = dict[str, str | None]


def feature_set_of(columns: dict[str, Any]) -> FeatureSet:
    declared = [
        Column(name, **(written if isinstance(written, dict) else {"type": written}))
        for name, written in columns.items()
    ]
    source = Source("capture.changes", ["id"], "at_zone", declared)
    window = TumblingWindow("30 days", "30 days")
    return FeatureSet("fixture", ["entity"], source, [window], "1 hour", [Aggregated("n", "count")])


def as_written(value: Any) -> str | None:
    """A decoded value in the words of the fixtures; numbers and times compared by value further on."""
    return str(value).lower() if isinstance(value, bool) else None if value is None else str(value)


def same(value: Any, written: str | None) -> bool:
    if value is None or written is None:
        return value is None and written is None
    if isinstance(value, Decimal):
        return value == Decimal(written)
    if isinstance(value, datetime):
        return value == datetime.fromisoformat(written.replace("Z", "+00:00")).replace(tzinfo=None)
    return as_written(value) == written


def differences(image: Row | None, written: Written | None, names: list[str]) -> list[tuple[str, Any, Any]]:
    if image is None or written is None:
        return [] if image is None and written is None else [("image", image, written)]
    # What the connector's mode itself lost is written down as null beside values.
    lost = {name for name in names if written[name] is None and written["amount"] is not None}
    return [(n, image[n], written[n]) for n in names if n not in lost and not same(image[n], written[n])]


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_a_captured_event_decodes_to_what_was_written(spark: SparkSession, path: Path) -> None:
    fixture = json.loads(path.read_text())
    events = fixture["events"]
    feature_set = feature_set_of(fixture["columns"])
    frame = records(spark, [event["value"] for event in events])
    decoded = (
        frame.transform(decoded_events(feature_set)).select("offset", "op", "new", "old").orderBy("offset").collect()
    )
    wrong: list[Any] = []
    for event, row in zip(events, decoded, strict=True):
        meant = event["expect"]
        after = meant["after"] if meant["op"] in ("c", "r", "u") else None
        before = meant["before"] if meant["op"] in ("u", "d") else None
        new, old = (row["new"] if after else None), (row["old"] if before else None)
        wrong += [("op", row["op"], meant["op"])] if row["op"] != meant["op"] else []
        wrong += differences(new, after, list(fixture["columns"])) + differences(old, before, list(LOCATION))
    assert not wrong


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_a_captured_event_has_the_class_of_its_operation(spark: SparkSession, path: Path) -> None:
    fixture = json.loads(path.read_text())
    rows = (
        records(spark, [event["value"] for event in fixture["events"]])
        .transform(classified(feature_set_of({name: fixture["columns"][name] for name in LOCATION})))
        .orderBy("offset")
        .collect()
    )
    expected = []
    for event in fixture["events"]:
        meant = event["expect"]
        row = meant["before"] if meant["op"] == "d" else meant["after"]
        counts = meant["op"] == "t" or (row and row["entity"] is not None)
        expected.append("applied" if counts else "ignored")
    assert [row["class"] for row in rows] == expected
    assert {"applied", "ignored"} == set(expected)
