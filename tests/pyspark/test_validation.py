"""Rules: what breaks them (as tests/unit/verify/rules.test.ts has it), what becomes of the rows, and what outliers are
measured by."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redis

import customer_features
from cdc_features import batch_writer, references
from cdc_features.expressions import feature, less, less_or_equal, literal
from cdc_features.feature_set import Aggregated, FeatureSet, PointInTime, RollingWindow
from cdc_features.features import row_schema
from cdc_features.references import Reference, reference_of, taken_for
from cdc_features.rules import (
    AllowedValues,
    Freshness,
    NotNull,
    Outlier,
    Pattern,
    Range,
    Relation,
    Rule,
    SuddenChange,
)
from cdc_features.validation import ValidationError, Validator

from chain import Chain, summary
from conftest import event, order

NOVEMBER = "2026-11-20T10:00:00Z"
NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
SET = customer_features.FEATURE_SET


def checked(*rules: Rule, feature_set: FeatureSet = SET) -> FeatureSet:
    return replace(feature_set, validation=rules)


def row(**values: Any) -> dict[str, Any]:
    return {
        "customer_id": 5,
        "window_start": NOW,
        "window_end": NOW,
        "order_count_30d": 2,
        "total_spend_30d": Decimal("10.00"),
        "avg_order_value_30d": Decimal("5.00"),
        "days_since_last_order": 3,
        "is_high_value": False,
        "event_timestamp": NOW - timedelta(days=3),
        "created_timestamp": NOW,
        "batch_id": 1,
        "is_deleted": False,
        **values,
    }


def reasons(rule: Rule, *rows: dict[str, Any], served: Any = None, measured_by: Any = None) -> list[list[str]]:
    finished = pa.RecordBatch.from_pylist(list(rows), schema=row_schema(SET))
    validator = Validator(checked(rule), measured_by or {})
    return [[one.reason for one in of_row] for of_row in validator.broken(finished, [served] * len(rows))]


def total(value: str | None) -> dict[str, Any]:
    return row(total_spend_30d=None if value is None else Decimal(value))


def test_a_null_breaks_only_the_rule_against_nulls() -> None:
    assert reasons(NotNull("r", "total_spend_30d", severity="warn"), total(None), total("0.00")) == [
        ["total_spend_30d is null"],
        [],
    ]
    for rule in (
        Range("r", "total_spend_30d", min="1", severity="warn"),
        AllowedValues("r", "total_spend_30d", ["1.00"], severity="warn"),
        Relation("r", less(feature("total_spend_30d"), literal("1")), severity="warn"),
        SuddenChange("r", "total_spend_30d", max_change="1", severity="warn"),
    ):
        assert reasons(rule, total(None), served={"total_spend_30d": "10.00"}) == [[]]


def test_what_says_that_an_entity_is_gone_breaks_nothing() -> None:
    gone = row(total_spend_30d=None, is_deleted=True)
    assert reasons(NotNull("r", "total_spend_30d", severity="fail"), gone) == [[]]


CASES = json.loads((Path(__file__).parents[1] / "fixtures" / "rules.json").read_text())
COLUMNS = {"decimal": pa.decimal128(38, 2), "boolean": pa.bool_(), "text": pa.string()}


@pytest.mark.parametrize("case", CASES, ids=[f"{case['rule']['check']}: {case['about']}" for case in CASES])
def test_the_cases_that_verify_is_held_to(case: dict[str, Any]) -> None:
    told = case["rule"]
    rule: Rule
    if told["check"] == "not_null":
        rule = NotNull("r", "x", severity="warn")
    elif told["check"] == "range":
        rule = Range("r", "x", min=told["min"], max=told["max"], severity="warn")
    elif told["check"] == "allowed_values":
        rule = AllowedValues("r", "x", told["values"], severity="warn")
    elif told["check"] == "pattern":
        rule = Pattern("r", "x", told["pattern"], severity="warn")
    elif told["check"] == "outlier":
        rule = Outlier("r", "x", method=told["method"], threshold=str(told["threshold"]), severity="warn")
    elif told["check"] == "freshness":
        rule = Freshness("r", f"{told['maxAgeMs']} milliseconds", severity="warn")
    else:
        rule = SuddenChange("r", "x", max_change=told["maxChange"], max_factor=told["maxFactor"], severity="warn")
    text = case["value"]
    value: Any = text
    if text is not None and case["type"] != "text":
        value = Decimal(text) if case["type"] == "decimal" else text == "true"
    latest = NOW - timedelta(microseconds=case.get("ageMicros", 0))
    schema = pa.schema([("x", COLUMNS[case["type"]]), *list(row_schema(SET))[-4:]])
    rows = [{**row(event_timestamp=latest), "x": value}]
    one = replace(SET, features=[PointInTime("x", "x")], validation=[rule])
    measured_by = {"r": Reference(100, **case["reference"])} if "reference" in case else {}
    served = {"x": case["served"]} if "served" in case else None
    (broken,) = Validator(one, measured_by).broken(pa.RecordBatch.from_pylist(rows, schema=schema), [served])
    assert bool(broken) is case["broken"]


def test_freshness_is_the_age_of_the_latest_row_at_the_moment_of_computing() -> None:
    rule = Freshness("r", "3 days", severity="warn")
    late = row(event_timestamp=NOW - timedelta(days=3, microseconds=1))
    assert reasons(rule, row(), late) == [
        [],
        ["its latest row is of 2026-11-19T23:59:59.999999Z, more than 3 days ago"],
    ]


def test_reasons_tell_value_and_limit() -> None:
    assert reasons(Range("r", "total_spend_30d", min="11", severity="warn"), row()) == [
        ["total_spend_30d is 10.00, below 11"]
    ]
    assert reasons(AllowedValues("r", "is_high_value", ["true"], severity="warn"), row()) == [
        ["is_high_value is false, none of true"]
    ]
    jump = SuddenChange("r", "total_spend_30d", max_change="5", severity="warn")
    assert reasons(jump, row(), served={"total_spend_30d": "1.00"}) == [
        ["total_spend_30d is 10.00 after 1.00, a change by more than 5"]
    ]


def test_a_relation_tells_the_values_that_it_is_over() -> None:
    rule = Relation("r", less_or_equal(feature("total_spend_30d"), feature("avg_order_value_30d")), severity="warn")
    assert reasons(rule, row(), total("5.00")) == [
        ["it does not hold: total_spend_30d is 10.00, avg_order_value_30d is 5.00"],
        [],
    ]


def outlier(method: Any = "robust_z_score", threshold: str = "3", min_history: int = 10) -> Outlier:
    return Outlier(
        "o", "total_spend_30d", method=method, threshold=threshold, min_history=min_history, severity="quarantine"
    )


def test_what_outliers_are_measured_by() -> None:
    values = np.arange(1.0, 12.0)
    assert reference_of(outlier(), values) == Reference(11, 6.0, 6.0, 1.4826 * 3, taken_for(outlier()))
    assert reference_of(outlier("quantiles"), values) == Reference(11, 3.5, 8.5, 5.0, "total_spend_30d quantiles 10")
    assert reference_of(outlier(min_history=12), values) == Reference(11, rule=taken_for(outlier(min_history=12)))
    # Where most are equal the mean deviation has to do; where all are there is no spread.
    mostly = np.array([5.0] * 9 + [6.0] * 2)
    assert reference_of(outlier(), mostly).scale == pytest.approx(1.253314 * 2 / 11)
    assert not reference_of(outlier(), np.full(20, 5.0)).is_usable


def test_an_outlier_is_further_away_than_the_threshold() -> None:
    measured_by = {"o": Reference(100, 3.5, 8.5, 5.0)}
    found = reasons(outlier("quantiles", "2"), *map(total, ("18.50", "18.51", "-6.51")), measured_by=measured_by)
    assert [len(of_row) for of_row in found] == [0, 1, 1]
    assert found[1] == ["total_spend_30d is 18.51, 2.0 middle halves from its history, more than 2"]
    assert reasons(outlier(), total("1000000.00")) == [[]]


# --- In a job ------------------------------------------------------------------------------------------------------


def quarantined(chain: Chain) -> list[dict[str, Any]]:
    files = sorted(Path(chain.store.quarantine_location).glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def manifests(chain: Chain) -> list[dict[str, Any]]:
    files = sorted((Path(chain.store.location) / "_batches").glob("*.json"))
    return [json.loads(file.read_text()) for file in files]


def use(chain: Chain, *rules: Rule) -> None:
    chain.feature_set = checked(*rules)


POSITIVE = Range("positive", "total_spend_30d", min="0", severity="quarantine")
MANY = Range("many", "order_count_30d", max="1", severity="warn")
by_both_ways = pytest.mark.parametrize("few_records", [0, 2000], ids=["by tasks", "by the driver"])
pytestmark = pytest.mark.spark


@by_both_ways
def test_quarantine_keeps_what_was_served_and_the_row_with_its_reason(
    chain: Chain, online: redis.Redis, monkeypatch: pytest.MonkeyPatch, few_records: int
) -> None:
    monkeypatch.setattr(batch_writer, "_FEW_RECORDS", few_records)
    use(chain, POSITIVE, MANY)
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1), event("c", None, order(2, 6, 1, NOVEMBER), 2))
    assert summary(chain.run())["violations"] == {}
    wrong = event("c", None, order(3, 5, -2000, NOVEMBER), 3), event("c", None, order(4, 7, -1, NOVEMBER), 4)
    chain.log.produce(*wrong, event("c", None, order(5, 6, 1, NOVEMBER), 5))
    told = summary(chain.run())
    assert (told["violations"], told["quarantined"]) == ({"positive": 2, "many": 2}, 2)
    assert (told["read"], told["applied"]) == (3, 3)
    assert online.hmget("customer:5:features", "total_spend_30d", "_version") == ["10.00", f"{1:020d}"]
    assert not online.exists("customer:7:features", "{customer:7:features}:windows")
    assert online.hget("customer:6:features", "total_spend_30d") == "0.02"
    assert sorted((r["batch_id"], r["customer_id"]) for r in chain.history()) == [(1, 5), (1, 6), (2, 6)]
    held = sorted(quarantined(chain), key=lambda row: row["customer_id"])
    assert [(r["customer_id"], r["batch_id"], r["total_spend_30d"]) for r in held] == [
        (5, 2, Decimal("-10.00")),
        (7, 2, Decimal("-0.01")),
    ]
    assert held[0]["rules"] == ["positive", "many"]
    assert held[0]["reasons"][0] == "total_spend_30d is -10.00, below 0"
    assert manifests(chain)[1]["violations"] == {"positive": 2, "many": 2}
    # A refresh brings back what was served, and nothing else.
    online.flushall()
    chain.run()
    assert online.hget("customer:5:features", "total_spend_30d") == "10.00"
    assert not online.exists("customer:7:features")
    # Once the row is right again it is served.
    chain.log.produce(event("u", order(3, 5, -2000, NOVEMBER), order(3, 5, 200, NOVEMBER), 6))
    chain.run()
    assert online.hget("customer:5:features", "total_spend_30d") == "12.00"


@by_both_ways
def test_fail_writes_nothing_of_the_batch_until_it_is_told_to_go_on(
    chain: Chain, online: redis.Redis, monkeypatch: pytest.MonkeyPatch, few_records: int
) -> None:
    monkeypatch.setattr(batch_writer, "_FEW_RECORDS", few_records)
    use(chain, replace(POSITIVE, severity="fail"))
    good = [event("c", None, order(10 + n, 10 + n, 100, NOVEMBER), n) for n in range(1, 20)]
    chain.log.produce(*good, event("c", None, order(1, 5, -1000, NOVEMBER), 30))
    with pytest.raises(
        ValidationError, match=r"positive: 1 row, such as total_spend_30d is -10.00, below 0 \(customer"
    ):
        chain.run()
    assert (online.keys("*"), chain.history(), manifests(chain)) == ([], [], [])
    # The same batch again, though the row is right by now.
    chain.log.produce(event("u", order(1, 5, -1000, NOVEMBER), order(1, 5, 1000, NOVEMBER), 31))
    with pytest.raises(ValidationError):
        chain.run()
    told = summary(chain.run(on_fail="quarantine"))
    assert (told["read"], told["quarantined"]) == (21, 1)
    assert online.hget("customer:5:features", "total_spend_30d") == "10.00"
    assert len(online.keys("customer:*")) == 20


def test_a_replay_takes_away_what_the_first_attempt_has_put_in_quarantine(chain: Chain) -> None:
    use(chain, POSITIVE)
    chain.log.produce(event("c", None, order(1, 5, -1000, NOVEMBER), 1))
    chain.run()
    assert len(quarantined(chain)) == 1
    checkpoint = Path(chain.settings.checkpoint)
    for file in (*(checkpoint / "commits").iterdir(), *(checkpoint / "offsets").glob("*1*")):
        file.unlink()
    use(chain, MANY)
    chain.run()
    assert (len(chain.history()), quarantined(chain)) == (1, [])


@by_both_ways
def test_the_first_batch_is_measured_by_itself_and_later_ones_by_the_history(
    chain: Chain, online: redis.Redis, monkeypatch: pytest.MonkeyPatch, few_records: int
) -> None:
    monkeypatch.setattr(batch_writer, "_FEW_RECORDS", few_records)
    monkeypatch.setattr(references, "_MOST_OFTEN", 2)
    use(chain, outlier(threshold="10", min_history=20))
    amounts = [1000 + 7 * n for n in range(30)]
    chain.log.produce(
        *(event("c", None, order(n, n, amount, NOVEMBER), n) for n, amount in enumerate(amounts, 1)),
        event("c", None, order(99, 99, 99_999_999, NOVEMBER), 99),
    )
    assert summary(chain.run())["violations"] == {"o": 1}
    assert not online.exists("customer:99:features")
    (reference,) = [json.loads(text) for text in chain.store.references()]
    assert (reference["rules"]["o"]["of"], reference["rules"]["o"]["values"]) == ("batch", 31)
    chain.log.produce(event("c", None, order(101, 2, 1, NOVEMBER), 101))
    chain.run()
    assert len(chain.store.references()) == 1
    chain.log.produce(event("c", None, order(100, 1, 88_888_888, NOVEMBER), 102))
    assert summary(chain.run())["violations"] == {"o": 1}
    assert online.hget("customer:1:features", "total_spend_30d") == "10.00"
    later = [json.loads(text)["rules"]["o"] for text in chain.store.references()][-1]
    assert (later["of"], later["values"]) == ("history", 30)


def test_a_sudden_change_is_seen_between_batches(chain: Chain, online: redis.Redis) -> None:
    use(chain, SuddenChange("jump", "order_count_30d", max_change="2", severity="quarantine"))
    chain.log.produce(event("c", None, order(1, 5, 1, NOVEMBER), 1))
    chain.run()
    chain.log.produce(*(event("c", None, order(n, 5, 1, NOVEMBER), n) for n in range(2, 5)))
    assert summary(chain.run())["violations"] == {"jump": 1}
    assert online.hget("customer:5:features", "order_count_30d") == "1"
    chain.log.produce(event("d", order(4, 5, 1, NOVEMBER), None, 6))
    assert summary(chain.run())["violations"] == {}
    assert online.hget("customer:5:features", "order_count_30d") == "3"


def test_a_set_as_of_now_is_held_once_and_served_when_time_has_made_it_right(chain: Chain, online: redis.Redis) -> None:
    now = datetime.now(timezone.utc)
    hour_ago = (now - timedelta(minutes=58)).strftime("%Y-%m-%dT%H:%M:%SZ")
    just_now = (now - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    rolling = replace(
        SET,
        windows=[RollingWindow("1 hour", granularity="1 second")],
        features=[Aggregated("order_count_30d", "count")],
        validation=[Range("few", "order_count_30d", max="1", severity="quarantine")],
    )
    chain.use(rolling)
    chain.log.produce(event("c", None, order(1, 5, 1, just_now), 1))
    chain.run()
    chain.log.produce(event("c", None, order(2, 5, 1, hour_ago), 2))
    told = summary(chain.run())
    assert (told["violations"], told["quarantined"]) == ({"few": 1}, 1)
    assert online.hget("customer:5:features", "order_count_30d") == "1"
    assert summary(chain.run())["quarantined"] == 0
    assert len(quarantined(chain)) == 1


def test_a_batch_without_a_row_is_no_obstacle_to_measuring(chain: Chain) -> None:
    use(chain, outlier())
    chain.log.produce(None, "x")
    assert summary(chain.run())["dead_letters"] == 1
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    assert summary(chain.run())["applied"] == 1


@by_both_ways
def test_rows_that_a_truncate_took_away_are_not_judged(
    chain: Chain, online: redis.Redis, monkeypatch: pytest.MonkeyPatch, few_records: int
) -> None:
    monkeypatch.setattr(batch_writer, "_FEW_RECORDS", few_records)
    use(chain, replace(POSITIVE, severity="fail"))
    chain.log.produce(
        event("c", None, order(1, 5, -1000, NOVEMBER), 1),
        event("t", None, None, 2),
        event("c", None, order(2, 5, 300, NOVEMBER), 3),
    )
    assert summary(chain.run())["quarantined"] == 0
    assert online.hget("customer:5:features", "total_spend_30d") == "3.00"
    assert online.hget("customer:5:features", "order_count_30d") == "1"
    # And the other way round: what is wrong after it stops the run before anything is written.
    chain.log.produce(event("t", None, None, 4), event("c", None, order(3, 6, -1, NOVEMBER), 5))
    with pytest.raises(ValidationError):
        chain.run()
    assert online.hget("customer:5:features", "total_spend_30d") == "3.00"
    assert len(chain.history()) == 1
