"""From events to features, under everything that can happen to a row and to the log."""

import base64
import json
import random
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import Row, SparkSession

import customer_features
import product_features
from cdc_features.feature_set import Aggregated, Column, FeatureSet, Source, TumblingWindow
from cdc_features.features import base_schema, finish

from conftest import NOW, computed, event, order

pytestmark = pytest.mark.spark

OCTOBER, NOVEMBER = "2026-10-01T00:00:00Z", "2026-11-20T10:00:00.000001Z"  # two 30-day windows


def windows(spark: SparkSession, events: list[str], module: Any = customer_features) -> dict[tuple[int, str], Row]:
    rows = computed(spark, module, list(events))
    return {(row[module.FEATURE_SET.entity[0]], row["window_start"].strftime("%m-%d")): row for row in rows}


def spend(spark: SparkSession, events: list[str]) -> dict[tuple[int, str], tuple[int, str] | None]:
    return {
        key: None if row["is_deleted"] else (row["order_count_30d"], str(row["total_spend_30d"]))
        for key, row in windows(spark, events).items()
    }


BOUGHT = event("c", None, order(1, 5, 1000, NOVEMBER), 10)
SECOND = event("c", None, order(2, 5, 250, NOVEMBER), 11)


def test_inserts_are_counted_per_window(spark: SparkSession) -> None:
    other = event("r", None, order(3, 5, 1, OCTOBER), 12)
    assert spend(spark, [BOUGHT, SECOND, other]) == {(5, "11-03"): (2, "12.50"), (5, "09-04"): (1, "0.01")}


def test_digits_are_an_amount_as_a_number_and_base64_in_quotes(spark: SparkSession) -> None:
    number = event("c", None, order(1, 5, None, NOVEMBER, total_amount=1000), 10)
    assert spend(spark, [number]) == {(5, "11-03"): (1, "1000.00")}
    text = event("c", None, order(1, 5, int.from_bytes(base64.b64decode("1000"), "big", signed=True), NOVEMBER), 10)
    assert '"1000"' in text
    assert spend(spark, [text]) == {(5, "11-03"): (1, "-26672.12")}


def test_an_update_replaces(spark: SparkSession) -> None:
    changed = event("u", order(1, 5, 1000, NOVEMBER), order(1, 5, 700, NOVEMBER), 20)
    assert spend(spark, [BOUGHT, changed]) == {(5, "11-03"): (1, "7.00")}


def test_a_move_leaves_one_entity_and_enters_another(spark: SparkSession) -> None:
    moved = event("u", order(1, 5, 1000, NOVEMBER), order(1, 6, 1000, NOVEMBER), 20)
    assert spend(spark, [BOUGHT, SECOND, moved]) == {(5, "11-03"): (1, "2.50"), (6, "11-03"): (1, "10.00")}


def test_a_move_there_and_back(spark: SparkSession) -> None:
    there = event("u", order(1, 5, 1000, NOVEMBER), order(1, 6, 1000, NOVEMBER), 20)
    back = event("u", order(1, 6, 1000, NOVEMBER), order(1, 5, 1000, NOVEMBER), 30)
    assert spend(spark, [BOUGHT, there, back]) == {(5, "11-03"): (1, "10.00"), (6, "11-03"): None}


def test_a_row_changes_its_window(spark: SparkSession) -> None:
    changed = event("u", order(1, 5, 1000, NOVEMBER), order(1, 5, 1000, OCTOBER), 20)
    assert spend(spark, [BOUGHT, changed]) == {(5, "11-03"): None, (5, "09-04"): (1, "10.00")}


def test_a_row_loses_its_entity(spark: SparkSession) -> None:
    changed = event("u", order(1, 5, 1000, NOVEMBER), order(1, None, 1000, NOVEMBER), 20)
    assert spend(spark, [BOUGHT, SECOND, changed]) == {(5, "11-03"): (1, "2.50")}


def test_an_update_to_what_cannot_be_read_takes_the_row_back(spark: SparkSession) -> None:
    here = order(1, 5, 1000, NOVEMBER)
    nowhere = order(1, 5, 1000, None)
    lost = event("u", here, nowhere, 20)
    assert spend(spark, [BOUGHT, SECOND, lost]) == {(5, "11-03"): (1, "2.50")}
    deleted = event("d", nowhere, None, 30)
    assert spend(spark, [BOUGHT, SECOND, lost, deleted]) == {(5, "11-03"): (1, "2.50")}
    repaired = event("u", nowhere, order(1, 5, 700, OCTOBER), 30)
    assert spend(spark, [BOUGHT, SECOND, lost, repaired]) == {(5, "11-03"): (1, "2.50"), (5, "09-04"): (1, "7.00")}
    unreadable = order(1, 6, 1000, NOVEMBER, total_amount="NaN")
    moved = event("u", here, unreadable, 20)
    mended = event("u", unreadable, order(1, 6, 300, NOVEMBER), 30)
    assert spend(spark, [BOUGHT, moved]) == {(5, "11-03"): None}
    assert spend(spark, [BOUGHT, moved, mended]) == {(5, "11-03"): None, (6, "11-03"): (1, "3.00")}


def test_a_spoilt_copy_of_an_event_changes_nothing(spark: SparkSession) -> None:
    good = event("u", order(1, 5, 1000, NOVEMBER), order(1, 5, 700, NOVEMBER), 20)
    spoilt = event("u", order(1, 5, 1000, NOVEMBER), order(1, 5, 700, NOVEMBER, total_amount="NaN"), 20)
    assert spend(spark, [BOUGHT, good, spoilt]) == {(5, "11-03"): (1, "7.00")}


def test_a_delete_takes_back_and_an_emptied_window_stays_to_be_told(spark: SparkSession) -> None:
    deleted = event("d", order(1, 5, 1000, NOVEMBER), None, 20)
    assert spend(spark, [BOUGHT, SECOND, deleted]) == {(5, "11-03"): (1, "2.50")}
    assert spend(spark, [BOUGHT, deleted]) == {(5, "11-03"): None}


def test_a_key_change_is_a_delete_and_a_create_at_one_place_in_the_log(spark: SparkSession) -> None:
    deleted = event("d", order(1, 5, 1000, NOVEMBER), None, 20)
    created = event("c", None, order(9, 5, 1000, NOVEMBER), 20)
    assert spend(spark, [BOUGHT, deleted, created]) == {(5, "11-03"): (1, "10.00")}
    reborn = event("c", None, order(1, 5, 300, NOVEMBER), 20)
    assert spend(spark, [BOUGHT, reborn, deleted]) == {(5, "11-03"): (1, "3.00")}


def test_commit_order_decides_and_not_the_order_of_places(spark: SparkSession) -> None:
    def at(commit: int | None, lsn: int, cents: int) -> str:
        text = json.loads(event("u", order(1, 5, 1, NOVEMBER), order(1, 5, cents, NOVEMBER), lsn))
        text["source"]["sequence"] = json.dumps([None if commit is None else str(commit), str(lsn)])
        return json.dumps(text)

    # Written earlier, committed later: transactions interleave.
    assert spend(spark, [at(100, 60, 300), at(90, 70, 200)]) == {(5, "11-03"): (1, "3.00")}
    assert spend(spark, [at(None, 60, 300), at(None, 70, 200)]) == {(5, "11-03"): (1, "2.00")}


def test_duplicates_and_any_order_give_the_same(spark: SparkSession) -> None:
    rng = random.Random(3)
    log: list[str] = []
    table: dict[int, dict[str, Any]] = {}
    for lsn in range(100, 400):
        order_id = rng.randint(1, 40)
        before = table.get(order_id)
        after = order(order_id, rng.randint(1, 6), rng.randint(-500, 5000), rng.choice([OCTOBER, NOVEMBER]))
        if before is None:
            log.append(event("c", None, after, lsn))
        elif rng.random() < 0.3:
            log.append(event("d", before, None, lsn))
            del table[order_id]
            continue
        else:
            log.append(event("u", before, after, lsn))
        table[order_id] = after
    expected = spend(spark, log)
    assert sum(value[0] for value in expected.values() if value) == len(table)
    shuffled = log + rng.sample(log, 100)
    rng.shuffle(shuffled)
    assert spend(spark, shuffled) == expected


def test_sums_skip_nulls_and_a_sum_of_nothing_is_null(spark: SparkSession) -> None:
    nothing = event("c", None, order(1, 5, None, NOVEMBER), 10)
    row = windows(spark, [nothing])[5, "11-03"]
    assert (row["order_count_30d"], row["total_spend_30d"]) == (1, None)
    assert windows(spark, [nothing, SECOND])[5, "11-03"]["total_spend_30d"] == Decimal("2.50")


def test_product_features(spark: SparkSession) -> None:
    events = [
        event("c", None, order(n, customer, 100 * n, NOVEMBER), n)
        for n, customer in ((1, 5), (2, 5), (3, 6), (4, None))
    ]
    row = windows(spark, events, product_features)[7, "11-19"]
    assert (row["units_sold_7d"], row["revenue_7d"], row["unique_customers_7d"]) == (8, Decimal("10.00"), 2)


def added(columns: list[Column], *features: Aggregated, **value: Any) -> dict[str, Any]:
    """What two rows with the same values add up to."""
    source = Source("public.t", ["id"], "at", [Column("id", "bigint"), Column("at", "timestamp"), *columns])
    feature_set = FeatureSet("x", ["id"], source, [TumblingWindow("1 day", "1 day")], "1 hour", features)
    at = datetime(2026, 1, 1, tzinfo=timezone.utc)
    rows = [{"event_time": at, "keys": {"id": key}, "values": {"at": at, **value}} for key in (1, 2)]
    schema = base_schema(feature_set)
    table = pa.Table.from_pylist([{"id": 1, "container_start": at, "batch_id": 1, "rows": rows}], schema=schema)
    (groups,) = table.to_batches()
    bounds = groups.column("container_start")
    groups = groups.append_column("window_start", bounds).append_column("window_end", bounds)
    (row,) = finish(feature_set, at)(groups).to_pylist()
    return row


def test_a_sum_that_outgrows_its_type_is_null_and_no_error() -> None:
    row = added(
        [Column("n", "bigint"), Column("d", "decimal(38,0)")],
        Aggregated("n_sum", "sum", column="n"),
        Aggregated("d_sum", "sum", column="d"),
        n=2**63 - 1,
        d=Decimal("9" * 38),
    )
    assert (row["n_sum"], row["d_sum"]) == (None, None)


def test_a_sum_keeps_every_digit_of_a_wide_decimal() -> None:
    total = Aggregated("d_sum", "sum", column="d")
    assert added([Column("d", "decimal(38,10)")], total, d=Decimal("1E-10"))["d_sum"] == Decimal("2E-10")


def test_what_derives_and_what_depends_on_now(spark: SparkSession) -> None:
    rows = computed(spark, customer_features, [BOUGHT, SECOND, event("c", None, order(3, 6, 100001, OCTOBER), 9)])
    five, six = sorted(rows, key=lambda row: row["customer_id"])
    assert five["avg_order_value_30d"] == Decimal("6.25")
    assert (five["days_since_last_order"], five["is_high_value"]) == (3, False)
    assert (six["days_since_last_order"], six["is_high_value"]) == (53, True)
    assert five["created_timestamp"].replace(tzinfo=timezone.utc) == NOW
