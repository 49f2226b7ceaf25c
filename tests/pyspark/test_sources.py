"""Events that are not Debezium's usual ones: flattened, without the row before, of rows that are only appended."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from test_windows import COLUMNS

import customer_features
from cdc_features.debezium import Transform, classified, each_row_change, row_changes
from cdc_features.feature_set import (
    Aggregated,
    Column,
    Feature,
    FeatureSet,
    PointInTime,
    TumblingWindow,
    UnboundedWindow,
)

from conftest import computed, event, job_of, order, records

pytestmark = pytest.mark.spark

CUSTOMER = customer_features.FEATURE_SET
DAY = "2026-11-20T10:00:00Z"


def source(**changed: Any) -> FeatureSet:
    return replace(CUSTOMER, source=replace(CUSTOMER.source, **changed))


def classes(spark: SparkSession, feature_set: FeatureSet, *values: Any) -> list[tuple[str, str | None]]:
    texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    rows = records(spark, texts).transform(classified(feature_set)).orderBy("offset").collect()
    return [(row["class"], row["reason"]) for row in rows]


def spend(rows: list[Row]) -> dict[int, tuple[int, str] | None]:
    return {
        row["customer_id"]: None if row["is_deleted"] else (row["order_count_30d"], str(row["total_spend_30d"]))
        for row in rows
    }


def test_flattened_rows_are_upserts_and_deletes(spark: SparkSession) -> None:
    feature_set = source(format="flattened")

    def run(*values: Any) -> dict[int, tuple[int, str] | None]:
        return spend(computed(spark, job_of(feature_set), [json.dumps(value) for value in values]))

    one, two = order(1, 5, 1000, DAY), order(2, 5, 200, DAY)
    assert run({**one, "__deleted": "false"}, {**two, "__op": "r"}) == {5: (2, "12.00")}
    assert run(one, {**one, "total_amount": "B88="}) == {5: (1, "19.99")}
    assert run(one, two, {**one, "__deleted": "true"}) == {5: (1, "2.00")}
    assert run(one, {**one, "__op": "d"}) == {5: None}
    # With places in the log, these decide and not the order of arrival.
    newer, older = (
        {**one, "total_amount": amount, "__source_lsn": lsn} for amount, lsn in (("Yw==", 30), ("ZA==", 20))
    )
    assert run(newer, older) == {5: (1, "0.99")}
    assert run({"schema": {"fields": []}, "payload": one}) == {5: (1, "10.00")}


def test_classes_of_flattened_records(spark: SparkSession) -> None:
    row = order(1, 5, 1000, DAY)
    found = classes(
        spark,
        source(format="flattened"),
        row,
        None,
        {**row, "__table": "customers"},
        {**row, "order_id": None},
        {**row, "total_amount": "NaN"},
        "[]",
        {**row, "__op": "t"},
        {**row, "__op": "m"},
        {**row, "__op": "x"},
        {"schema": None, "payload": row},
        {"schema": None, "payload": None},
        {"schema": None, "payload": 5},
        {"order_id": 1, "__deleted": "true"},
    )
    assert [name for name, _ in found] == [
        *("applied", "ignored", "ignored", "dead_letter", "dead_letter", "dead_letter", "applied"),
        *("ignored", "dead_letter", "applied", "ignored", "dead_letter", "dead_letter"),
    ]
    assert classes(spark, source(format="flattened", append_only=True), row) == [("applied", None)]


def test_a_flattened_row_that_cannot_be_read_any_more_is_taken_back(spark: SparkSession) -> None:
    row = order(1, 5, 1000, DAY)
    rows = computed(
        spark, job_of(source(format="flattened")), [json.dumps(row), json.dumps({**row, "total_amount": "NaN"})]
    )
    assert spend(rows) == {5: None}


def test_without_full_replica_identity_an_immovable_row_is_updated_and_deleted(spark: SparkSession) -> None:
    """The entity is the key, and nothing depends on the event time, as for a table of customers."""
    feature_set = FeatureSet(
        "x",
        ["customer_id"],
        replace(CUSTOMER.source, primary_key=["customer_id"], columns=COLUMNS, replica_identity="default"),
        [UnboundedWindow()],
        "1 hour",
        [PointInTime("status", "status"), Aggregated("n", "count")],
    )

    def run(*events: str) -> list[tuple[int, str | None, bool]]:
        rows = computed(spark, job_of(feature_set), list(events))
        return sorted((row["customer_id"], row["status"], row["is_deleted"]) for row in rows)

    nothing = dict.fromkeys(order(1, 5, 1, DAY))
    made = event("c", None, order(1, 5, 1, DAY, status="new"), 1)
    changed = event("u", None, order(1, 5, 1, DAY, status="old"), 2)
    assert run(made, changed) == [(5, "old", False)]
    assert run(made, changed, event("d", {**nothing, "customer_id": 5}, None, 3)) == [(5, None, True)]
    assert classes(spark, CUSTOMER, changed)[0][0] == "dead_letter"


def test_what_an_update_left_out_is_as_it_was_before(spark: SparkSession) -> None:
    feature_set = replace(
        CUSTOMER, source=replace(CUSTOMER.source, columns=COLUMNS), features=[PointInTime("status", "status")]
    )
    before = order(1, 5, 1, DAY, status="a long story")
    after = {**before, "status": "__debezium_unavailable_value", "customer_id": 6}
    rows = computed(spark, job_of(feature_set), [event("c", None, before, 1), event("u", before, after, 2)])
    assert sorted((row["customer_id"], row["status"]) for row in rows) == [(5, None), (6, "a long story")]
    unknown = event("u", {**before, "status": "__debezium_unavailable_value"}, after, 2)
    assert classes(spark, feature_set, unknown) == [("dead_letter", "column status does not hold a text")]


def test_rows_that_are_only_appended_are_aggregated_by_spark(spark: SparkSession) -> None:
    of_all = ("count", "sum", "avg", "min", "max", "first", "last", "count_distinct")
    aggregates = [
        Aggregated(name, name, None if name == "count" else "total_amount", 2 if name == "avg" else None)  # type: ignore[arg-type]
        for name in of_all
    ]
    feature_set = replace(source(append_only=True), features=aggregates)

    amounts = [(1, 300, "2026-11-20T10:00:00Z"), (2, 100, "2026-11-21T10:00:00Z"), (3, None, "2026-11-22T10:00:00Z")]
    events = [event("c", None, order(n, 5, cents, at), n) for n, cents, at in amounts]
    rows = computed(spark, job_of(feature_set), events)
    assert [rows[0][name] for name in of_all] == [
        *(3, Decimal("4.00"), Decimal("2.00"), Decimal("1.00"), Decimal("3.00"), Decimal("3.00"), Decimal("1.00"), 2),
    ]
    row = order(1, 5, 1, DAY)
    assert [reason for _, reason in classes(spark, feature_set, event("u", row, row, 1), event("d", row, None, 2))] == [
        "the definition says append_only, and this is an update",
        "the definition says append_only, and this is a delete",
    ]


def test_rows_that_are_only_appended_come_to_the_same_as_rows_that_might_change(spark: SparkSession) -> None:
    """Of every aggregate and type, gathered by tasks, and one by one as in real-time mode."""
    dice = random.Random(20261126)

    def row(order_id: int) -> str:
        created_at = f"2026-11-{dice.randrange(18, 26)}T10:{dice.randrange(60):02d}:00Z"
        more = {"status": dice.choice([None, "new", "paid", "é"]), "updated_at": dice.choice([None, created_at, DAY])}
        cents = dice.choice([None, dice.randrange(-(10**9), 10**9)])
        return event("c", None, order(order_id, dice.randrange(5), cents, created_at, **more), order_id)

    events = [row(order_id) for order_id in range(400)]
    features: list[Feature] = [Aggregated("n", "count"), PointInTime("at_status", "status")]
    for column in ("total_amount", "quantity", "status", "updated_at", "order_id"):
        names = ["min", "max", "first", "last", "count_distinct"]
        if column in ("total_amount", "quantity", "order_id"):
            names += ["sum", "avg"]
        features += [
            Aggregated(f"{name}_{column}", name, column, 3 if name == "avg" else None)  # type: ignore[arg-type]
            for name in names
        ]

    def computed_by(append_only: bool, changes: Callable[[FeatureSet], Transform] = row_changes) -> list[Row]:
        given = source(
            append_only=append_only,
            columns=[*COLUMNS, Column("quantity", "integer"), Column("updated_at", "timestamp")],
        )
        feature_set = replace(given, features=features, windows=[TumblingWindow("7 days", "7 days")])
        job = job_of(feature_set, changes)
        spread = SimpleNamespace(FEATURE_SET=feature_set, build=lambda log: job.build(log.repartition(3)))
        return sorted(computed(spark, spread, list(events)), key=lambda one: (one["customer_id"], one["window_start"]))

    exact = computed_by(append_only=False)
    assert computed_by(append_only=True) == exact
    assert computed_by(append_only=True, changes=each_row_change) == exact
    assert len(exact) >= 10
