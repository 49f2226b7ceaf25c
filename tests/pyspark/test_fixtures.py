"""Events caught from the real connector mean what was written down when they were caused.

tests/contract/debezium-fixtures.test.ts reads the same files, so that the two languages cannot drift apart.
"""

import json
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from cdc_features.debezium import classified
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
    # So short that each change of the event time is a move.
    window = TumblingWindow("1 second", "30 days")
    features = [Aggregated(f"{name}_seen", "count_distinct", column=name) for name in columns]
    return FeatureSet("fixture", ["entity"], source, [window], "1 hour", features)


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


def differences(image: Any, written: Written | None, names: list[str]) -> list[tuple[str, Any, Any]]:
    if image is None or written is None:
        return [] if image is None and written is None else [("image", image, written)]
    # What the connector's mode itself lost is written down as null beside values.
    lost = {name for name in names if written[name] is None and written["amount"] is not None}
    return [(n, image[n], written[n]) for n in names if n not in lost and not same(image[n], written[n])]


def decoded(spark: SparkSession, fixture: dict[str, Any]) -> list[tuple[Row | None, dict[str, Any] | None]]:
    """Of each event the row from now on, and where it is no more."""
    feature_set = feature_set_of(fixture["columns"])
    frame = records(spark, [event["value"] for event in fixture["events"]]).transform(classified(feature_set))
    found = []
    for row in frame.orderBy("offset").collect():
        upserts = [change["row"]["values"] for change in row["changes"] if not change["row"]["gone"]]
        gone = [
            {**change["row"]["key"].asDict(), **change["entity"].asDict(), "at_zone": change["event_time"]}
            for change in row["changes"]
            if change["row"]["gone"]
        ]
        assert len(upserts) <= 1
        assert len(gone) <= 1
        found.append((upserts[0] if upserts else None, gone[0] if gone else None))
    return found


def is_counted(written: Written | None) -> bool:
    return written is not None and all(written[name] is not None for name in LOCATION)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_a_captured_event_decodes_to_what_was_written(spark: SparkSession, path: Path) -> None:
    fixture = json.loads(path.read_text())
    wrong: list[Any] = []
    seen: Counter[str] = Counter()
    for event, (new, old) in zip(fixture["events"], decoded(spark, fixture), strict=True):
        meant = event["expect"]
        if meant["op"] == "t":
            continue
        after = meant["after"] if meant["op"] != "d" and is_counted(meant["after"]) else None
        before = meant["before"] if meant["op"] in ("u", "d") and is_counted(meant["before"]) else None
        if after and before and all(after[name] == before[name] for name in LOCATION):
            before = None
        wrong += differences(new, after, list(fixture["columns"])) + differences(old, before, list(LOCATION))
        seen += Counter(upserts=after is not None, gone=before is not None)
    assert not wrong
    assert seen["upserts"]
    assert seen["gone"]


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
