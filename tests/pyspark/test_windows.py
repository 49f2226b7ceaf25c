"""Which rows are in which window, and the features of sets as of now."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from pyspark.sql import Row, SparkSession

from cdc_features import windows
from cdc_features.durations import milliseconds
from cdc_features.feature_set import (
    Aggregated,
    Behavioural,
    Column,
    FeatureSet,
    PointInTime,
    RollingWindow,
    SessionWindow,
    SlidingWindow,
    Source,
    TumblingWindow,
    UnboundedWindow,
    Window,
)
from cdc_features.features import micros

from conftest import computed, event, job_of, order

COLUMNS = [
    Column("order_id", "bigint"),
    Column("customer_id", "bigint"),
    Column("total_amount", "decimal(12,2)"),
    Column("status", "text"),
    Column("created_at", "timestamp"),
]
SOURCE = Source("public.orders", ["order_id"], "created_at", COLUMNS)
NOW = datetime(2026, 11, 21, 12, 2, tzinfo=timezone.utc)


def set_of(*in_windows: Window, features: list[Any] | None = None, source: Source = SOURCE) -> FeatureSet:
    counts = [Aggregated(f"n_{window.name}", "count", window=window.name) for window in in_windows]
    return FeatureSet("x", ["customer_id"], source, in_windows, "1 hour", features or counts)


def bought(order_id: int, at: str, customer: int = 5, cents: int = 100, **more: Any) -> str:
    return event("c", None, order(order_id, customer, cents, at, **more), order_id)


def served(spark: SparkSession, feature_set: FeatureSet, *events: str, now: datetime = NOW) -> dict[str, Any]:
    """The features of customer 5; none where it has no rows."""
    rows = [
        row
        for row in computed(spark, job_of(feature_set), list(events), now)
        if row["customer_id"] == 5 and not row["is_deleted"]
    ]
    assert len(rows) <= 1
    names = [feature.name for feature in feature_set.features]
    return {name: rows[0][name] for name in names} if rows else {}


# --- No Spark ------------------------------------------------------------------------------------------------------


def ages(feature_set: FeatureSet, *minutes_ago: float) -> windows.Rows:
    times = sorted(micros(NOW - timedelta(minutes=minutes)) for minutes in minutes_ago)
    return windows.Rows(1, np.zeros(len(times), np.int64), np.array(times, np.int64))


def test_a_rolling_window_ends_with_the_granule_that_now_is_in() -> None:
    window = RollingWindow("1 hour", granularity="5 minutes", name="1h")
    feature_set = set_of(window)
    chosen = windows.select(feature_set, window, ages(feature_set, -3, 0, 57, 57.01, 60), micros(NOW))
    # Now is 12:02, so that the hour is from 11:05 to 12:05, its end not included.
    assert chosen.end[0] == micros(datetime(2026, 11, 21, 12, 5, tzinfo=timezone.utc))
    assert chosen.rows.tolist() == [False, False, True, True, False]


def test_a_session_goes_back_from_its_latest_row_until_a_gap() -> None:
    window = SessionWindow("30 minutes", longest="2 hours", retention="1 day", name="s")
    feature_set = set_of(window)
    chosen = windows.select(feature_set, window, ages(feature_set, 100, 72, 41, 20, 5), micros(NOW))
    assert chosen.rows.tolist() == [False, False, True, True, True]
    assert chosen.start[0] == micros(NOW - timedelta(minutes=41))
    assert chosen.end[0] == micros(NOW + timedelta(minutes=25))


def test_a_session_is_no_longer_than_it_may_be_and_goes_after_its_retention() -> None:
    window = SessionWindow("30 minutes", longest="1 hour", retention="1 day", name="s")
    feature_set = set_of(window)
    chosen = windows.select(feature_set, window, ages(feature_set, 65, 60, 40, 20, 0), micros(NOW))
    assert chosen.rows.tolist() == [False, False, True, True, True]
    # A day is the step in which a set without rolling windows ages.
    kept = windows.select(feature_set, window, ages(feature_set, 36 * 60), micros(NOW))
    gone = windows.select(feature_set, window, ages(feature_set, 37 * 60), micros(NOW))
    assert (kept.bounded[0], gone.bounded[0], gone.rows.any()) == (True, False, False)


def test_rows_of_the_future_wait_for_their_time() -> None:
    forever = UnboundedWindow(name="all")
    feature_set = set_of(forever)
    rows = ages(feature_set, 0, -11 * 60, -13 * 60)
    assert windows.select(feature_set, forever, rows, micros(NOW)).rows.tolist() == [True, True, False]


@pytest.mark.parametrize(
    "feature_set",
    [
        set_of(RollingWindow("1 hour", "5 minutes", "a")),
        set_of(RollingWindow("1 hour", "5 minutes", "a"), RollingWindow("90 days", "1 day", "b")),
        set_of(TumblingWindow("7 days", "7 days", "a"), SessionWindow("1 hour", "1 day", "2 days", "b")),
        set_of(RollingWindow("7 days", "1 hour", "a"), features=[Behavioural("v", "velocity", digits=2, window="a")]),
    ],
)
def test_whatever_now_is_one_container_holds_all_that_counts(feature_set: FeatureSet) -> None:
    length = windows.length_ms(feature_set)
    assert length is not None
    rng = np.random.default_rng(5)
    for offset in rng.integers(0, 400 * 86_400_000_000, 200):
        now = micros(NOW) + int(offset)
        start = windows.container_start(feature_set, now)
        assert start is not None
        assert start % (length * 500) == 0
        times = np.arange(now - 200 * 86_400_000_000, now + 3 * 86_400_000_000, 1_800_000_000)
        rows = windows.Rows(1, np.zeros(len(times), np.int64), times)
        for window in feature_set.windows:
            chosen = windows.select(feature_set, window, rows, now)
            looks_back = any(isinstance(feature, Behavioural) for feature in feature_set.features)
            needed = chosen.rows | chosen.before if looks_back and chosen.before is not None else chosen.rows
            assert times[needed].min() >= start
            assert times[needed].max() < start + length * 1000


# --- Through Spark -------------------------------------------------------------------------------------------------


@pytest.mark.spark
def test_several_windows_come_out_of_one_state(spark: SparkSession) -> None:
    feature_set = set_of(
        RollingWindow("1 hour", "5 minutes", "1h"),
        RollingWindow("1 day", "1 hour", "1d"),
        RollingWindow("30 days", "1 day", "30d"),
        TumblingWindow("7 days", "7 days", "week"),
    )
    times = ["2026-11-21T12:00:00Z", "2026-11-21T01:00:00Z", "2026-11-18T23:00:00Z", "2026-11-01T00:00:00Z"]
    events = [bought(number, at) for number, at in enumerate(times, 1)]
    assert served(spark, feature_set, *events) == {"n_1h": 1, "n_1d": 2, "n_30d": 4, "n_week": 2}
    assert served(spark, feature_set, *events, now=NOW + timedelta(days=10)) == {
        "n_1h": 0,
        "n_1d": 0,
        "n_30d": 3,
        "n_week": 2,
    }
    assert served(spark, feature_set, *events, now=NOW + timedelta(days=40)) == {}


@pytest.mark.spark
def test_every_aggregate_takes_rows_back(spark: SparkSession) -> None:
    window = RollingWindow("30 days", "1 day", "m")

    def over(name: str, column: str | None = "total_amount", **more: Any) -> Aggregated:
        return Aggregated(name, name, column=column, window="m", **more)  # type: ignore[arg-type]

    features = [
        over("count", None),
        over("sum"),
        over("avg", digits=3),
        over("min"),
        over("max"),
        over("first", "status"),
        over("last", "status"),
        over("count_distinct", "status"),
        PointInTime("status_now", "status", "m"),
        Behavioural("per_week", "frequency", "week", 4, "m"),
        Behavioural("velocity", "velocity", digits=2, window="m"),
        Behavioural("age", "recency", window="m"),
    ]
    feature_set = set_of(window, features=features)
    day = "2026-11-{:02d}T00:00:00Z"
    rows = {
        n: order(n, 5, cents, day.format(n), status=s) for n, cents, s in ((1, 500, "a"), (2, 200, "b"), (3, 900, None))
    }
    events = [event("c", None, row, n) for n, row in rows.items()] + [bought(9, "2026-10-20T00:00:00Z")]
    assert list(served(spark, feature_set, *events).values()) == [
        *(3, Decimal("16.00"), Decimal("5.333"), Decimal("2.00"), Decimal("9.00"), "a", "b", 2, None),
        *(Decimal("0.7000"), Decimal("3.00"), 18),
    ]
    events += [event("d", rows[3], None, 20), event("u", rows[1], {**rows[1], "status": None}, 21)]
    assert list(served(spark, feature_set, *events).values()) == [
        *(2, Decimal("7.00"), Decimal("3.500"), Decimal("2.00"), Decimal("5.00"), "b", "b", 1, "b"),
        *(Decimal("0.4667"), Decimal("2.00"), 19),
    ]


@pytest.mark.spark
def test_a_row_is_in_every_sliding_window_around_it(spark: SparkSession) -> None:
    feature_set = set_of(SlidingWindow("7 days", "1 day", "7 days"))
    here, there = order(1, 5, 1, "2026-11-20T10:00:00Z"), order(1, 5, 1, "2026-11-18T10:00:00Z")

    def starts(*events: str) -> list[tuple[str, bool]]:
        rows: list[Row] = computed(spark, job_of(feature_set), list(events))
        return sorted((row["window_start"].strftime("%d"), row["is_deleted"]) for row in rows)

    bought_here = event("c", None, here, 1)
    assert starts(bought_here) == [(f"{day}", False) for day in range(14, 21)]
    # In windows that both times lie in, the row stays; the others lose or win it.
    moved = starts(bought_here, event("u", here, there, 2))
    assert moved == [(f"{day}", day > 18) for day in range(12, 21)]


@pytest.mark.spark
def test_rows_of_keys_and_entities_of_several_columns(spark: SparkSession) -> None:
    source = replace(SOURCE, primary_key=["order_id", "status"])
    feature_set = replace(set_of(TumblingWindow("30 days", "30 days"), source=source), entity=["customer_id", "status"])
    events = [
        bought(1, "2026-11-20T10:00:00Z", status="a"),
        bought(1, "2026-11-20T10:00:00Z", status="b"),
        bought(2, "2026-11-20T10:00:00Z", status="a"),
        bought(3, "2026-11-20T10:00:00Z", status=None),
    ]
    rows = computed(spark, job_of(feature_set), list(events))
    assert sorted((row["customer_id"], row["status"], row["n_default"]) for row in rows) == [(5, "a", 2), (5, "b", 1)]


def test_a_hop_is_as_long_as_all_that_counts() -> None:
    feature_set = set_of(RollingWindow("90 days", "1 day", "90d"), RollingWindow("1 hour", "5 minutes", "1h"))
    length = windows.length_ms(feature_set)
    assert length == 2 * (milliseconds("91 days") + milliseconds("5 minutes"))
    assert windows.length_ms(set_of(UnboundedWindow(name="all"))) is None
