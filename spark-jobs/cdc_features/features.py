"""Features of groups of rows: aggregated over a window's rows, then derived, right as of a moment.

Works on whole Arrow batches; money stays decimal from end to end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdc_features.arithmetic import compiled, evaluator, plus, quotient, rounded
from cdc_features.durations import milliseconds
from cdc_features.feature_set import (
    Aggregated,
    Behavioural,
    Derived,
    Feature,
    FeatureSet,
    PointInTime,
    SessionWindow,
    UnboundedWindow,
    Window,
)
from cdc_features.windows import Flags, Ints, Rows, latest_time, primary, select

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_DAY_MICROS = 86_400_000_000
UNIT_MS = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}
_TIMESTAMP = pa.timestamp("us", tz="UTC")
_ARROW_TYPES = {
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "int": pa.int32(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": _TIMESTAMP,
}
# Sums of as many digits cannot wrap around, however many rows there are.
_SAFE_DIGITS = 27
_BIGINT = 2**63

Values = list[Any]


def micros(time: datetime) -> int:
    """Since 1970; `time` is aware."""
    return (time - EPOCH) // timedelta(microseconds=1)


# --- Schemas -------------------------------------------------------------------------------------------------------


def row_schema(feature_set: FeatureSet) -> pa.Schema:
    """A finished row, as the offline store keeps it. Timestamps are UTC with microseconds."""
    return pa.schema(
        [
            *entity_fields(feature_set),
            ("window_start", _TIMESTAMP),
            ("window_end", _TIMESTAMP),
            *((feature.name, feature_type(feature_set, feature)) for feature in feature_set.features),
            ("event_timestamp", _TIMESTAMP),
            ("created_timestamp", _TIMESTAMP),
            ("batch_id", pa.int64()),
            ("is_deleted", pa.bool_()),
        ]
    )


def quarantine_schema(feature_set: FeatureSet) -> pa.Schema:
    """A finished row that was kept from the stores, with the rules that it breaks, and why, as sentences."""
    names = pa.list_(pa.string())
    return pa.schema([*row_schema(feature_set), ("rules", names), ("reasons", names)])


def base_schema(feature_set: FeatureSet) -> pa.Schema:
    """A group of rows of a set as of now, kept so that it can age without events. `container_start` is null where
    one of the windows is unbounded."""
    source = feature_set.source
    keys = pa.struct([(name, arrow_type(source.column(name).type)) for name in source.primary_key])
    values = pa.struct([(name, arrow_type(source.column(name).type)) for name in feature_set.input_columns])
    row = pa.struct([("event_time", _TIMESTAMP), ("keys", keys), ("values", values)])
    return pa.schema(
        [
            *entity_fields(feature_set),
            ("container_start", _TIMESTAMP),
            ("batch_id", pa.int64()),
            ("rows", pa.list_(row)),
        ]
    )


def entity_fields(feature_set: FeatureSet) -> list[tuple[str, pa.DataType]]:
    return [(name, arrow_type(feature_set.source.column(name).type)) for name in feature_set.entity]


def feature_type(feature_set: FeatureSet, feature: Feature) -> pa.DataType:
    if isinstance(feature, Derived):
        named = {"boolean": pa.bool_(), "integer": pa.int32(), "text": pa.string()}
        return named[feature.type] if feature.digits is None else pa.decimal128(38, feature.digits)
    if isinstance(feature, Behavioural):
        return pa.int32() if feature.digits is None else pa.decimal128(38, feature.digits)
    if isinstance(feature, Aggregated):
        if feature.aggregate in ("count", "count_distinct"):
            return pa.int64()
        if feature.aggregate == "avg":
            return pa.decimal128(38, feature.digits or 0)
        if feature.aggregate == "sum":
            return arrow_type(sum_type(feature_set, str(feature.column)))
    return arrow_type(feature_set.source.column(str(feature.column)).type)


def sum_type(feature_set: FeatureSet, column: str) -> str:
    """Spark's own rule for sums: ten digits more, the same scale; integers become bigint."""
    size = feature_set.source.column(column).decimal_size
    return f"decimal({sum_digits(feature_set, column)},{size[1]})" if size else "bigint"


def sum_digits(feature_set: FeatureSet, column: str) -> int:
    """Most digits of a sum of decimals, 0 of a sum of whole numbers."""
    size = feature_set.source.column(column).decimal_size
    return min(38, size[0] + 10) if size else 0


def arrow_type(spark_type: str) -> pa.DataType:
    if spark_type.startswith("decimal"):
        precision, scale = spark_type[8:-1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return _ARROW_TYPES.get(spark_type, pa.string())


def now_dependent(feature_set: FeatureSet) -> set[str]:
    """Of a set with one window the features that are right only as of a moment: recency, and what derives from it."""
    found: set[str] = set()
    for feature in () if feature_set.as_of_now else feature_set.features:
        if isinstance(feature, Behavioural):
            depends = feature.measure == "recency"
        else:
            depends = isinstance(feature, Derived) and not found.isdisjoint(compiled(feature.expression)[1])
        found |= {feature.name} if depends else set()
    return found


# --- Groups of rows to features ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Aggregates:
    """Of each group: the values of the features over rows, and what the others need."""

    values: dict[str, Values]
    # Per window the latest event time (micros, None without rows).
    latest: dict[str, list[int | None]]
    window_start: list[int | None]
    window_end: list[int | None]
    is_there: list[bool]

    @property
    def event_timestamp(self) -> list[int | None]:
        """The latest event time in any window."""
        return [
            max((time for time in times if time is not None), default=None)
            for times in zip(*self.latest.values(), strict=True)
        ]


def aggregate(feature_set: FeatureSet, groups: pa.RecordBatch, now: int) -> Aggregates:
    """Groups with `rows`, or finished rows of before, in; `now` in micros since 1970."""
    if "rows" in groups.schema.names:
        return _Folded(feature_set, groups, now).aggregates()
    return _finished_before(feature_set, groups)


def _finished_before(feature_set: FeatureSet, rows: pa.RecordBatch) -> Aggregates:
    (window,) = feature_set.windows
    return Aggregates(
        {
            feature.name: rows.column(feature.name).to_pylist()
            for feature in feature_set.features
            if not isinstance(feature, Derived)
        },
        {window.name: _micros(rows.column("event_timestamp"))},
        _micros(rows.column("window_start")),
        _micros(rows.column("window_end")),
        [not deleted for deleted in rows.column("is_deleted").to_pylist()],
    )


class _Folded:
    """The rows of some groups of a set as of now, and what is aggregated from them."""

    def __init__(self, feature_set: FeatureSet, groups: pa.RecordBatch, now: int) -> None:
        self._feature_set = feature_set
        lists = groups.column("rows").cast(base_schema(feature_set).field("rows").type)
        flat = lists.flatten()
        group = lists.value_parent_indices()
        time, keys, values = (flat.field(name) for name in ("event_time", "keys", "values"))
        names = [f"key{i}" for i in range(keys.type.num_fields)]
        table = pa.table([group, time, *keys.flatten()], names=["group", "time", *names])
        order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in table.column_names])
        group, time, values = group.take(order), time.take(order), values.take(order)
        self._columns = dict(zip((field.name for field in values.type), values.flatten(), strict=True))
        self._rows = Rows(
            groups.num_rows,
            group.to_numpy().astype(np.int64),
            time.cast(pa.int64()).to_numpy(zero_copy_only=False).astype(np.int64),
        )
        self._selections = {window.name: select(feature_set, window, self._rows, now) for window in feature_set.windows}

    def aggregates(self) -> Aggregates:
        feature_set = self._feature_set
        windows = {window.name: window for window in feature_set.windows}
        counts = {name: self._count(self._chosen(name)) for name in windows}
        values: dict[str, Values] = {}
        for feature in feature_set.features:
            if isinstance(feature, Aggregated):
                values[feature.name] = self._aggregated(feature, counts[feature.window])
            elif isinstance(feature, PointInTime):
                values[feature.name] = self._at(feature.column, self._chosen(feature.window), last=True)
            elif isinstance(feature, Behavioural) and feature.measure == "frequency":
                values[feature.name] = _frequency(feature, windows[feature.window], counts[feature.window].tolist())
            elif isinstance(feature, Behavioural) and feature.measure == "velocity":
                values[feature.name] = self._velocity(feature, counts[feature.window])
        is_there = np.any([count > 0 for count in counts.values()], axis=0)
        start, end = self._bounds()
        latest = {name: _known(*latest_time(self._rows, self._chosen(name))) for name in windows}
        return Aggregates(values, latest, start, end, is_there.tolist())

    def _chosen(self, window: str) -> Flags:
        return self._selections[window].rows

    def _bounds(self) -> tuple[list[int | None], list[int | None]]:
        window = primary(self._feature_set)
        if window is None:
            return [None] * self._rows.groups, [None] * self._rows.groups
        selection = self._selections[window.name]
        return _known(selection.start, selection.bounded), _known(selection.end, selection.bounded)

    def _count(self, chosen: Flags) -> Ints:
        return np.bincount(self._rows.group[chosen], minlength=self._rows.groups).astype(np.int64)

    def _velocity(self, feature: Behavioural, counts: Ints) -> Values:
        selection = self._selections[feature.window]
        assert selection.before is not None
        before = self._count(selection.before)
        return [_ratio(int(now), int(then), feature.digits or 0) for now, then in zip(counts, before, strict=True)]

    def _aggregated(self, feature: Aggregated, counts: Ints) -> Values:
        if feature.column is None:
            return list(counts.tolist())
        chosen = self._chosen(feature.window)
        if feature.aggregate in ("first", "last"):
            valid = pc.is_valid(self._columns[feature.column]).to_numpy(zero_copy_only=False)
            return self._at(feature.column, chosen & valid, last=feature.aggregate == "last")
        if feature.aggregate == "sum":
            return _fitting(self._sum(feature.column, chosen), feature_type(self._feature_set, feature))
        if feature.aggregate == "avg":
            numbers = self._grouped(feature.column, "count", chosen, 0)
            return _averages(self._sum(feature.column, chosen), numbers, feature.digits or 0)
        if feature.aggregate == "count_distinct":
            return self._grouped(feature.column, "count_distinct", chosen, 0)
        return self._grouped(feature.column, feature.aggregate, chosen, None)

    def _sum(self, name: str, chosen: Flags) -> Values:
        column = self._feature_set.source.column(name)
        digits = column.decimal_size[0] if column.decimal_size else 19
        if digits <= _SAFE_DIGITS:
            return self._grouped(name, "sum", chosen, None)
        totals: Values = [None] * self._rows.groups
        for group, value in zip(self._rows.group[chosen], self._taken(name, chosen).to_pylist(), strict=True):
            if value is not None:
                totals[group] = plus(totals[group], Decimal(value))
        return totals

    def _taken(self, name: str, chosen: Flags) -> pa.Array:
        values = self._columns[name]
        return values if chosen.all() else values.filter(pa.array(chosen))

    def _grouped(self, name: str, function: str, chosen: Flags, empty: Any) -> Values:
        """One of Arrow's grouped aggregates, `empty` for groups without rows."""
        values = self._taken(name, chosen)
        if function == "sum" and pa.types.is_integer(values.type):
            values = values.cast(pa.decimal128(19, 0)).cast(pa.decimal128(38, 0))
        elif function == "sum":
            values = values.cast(pa.decimal128(38, values.type.scale))
        table = pa.table({"group": self._rows.group[chosen], "value": values})
        result = table.group_by("group", use_threads=False).aggregate([("value", function)])
        found: Values = [empty] * self._rows.groups
        groups, aggregated = result.column("group").to_pylist(), result.column(f"value_{function}").to_pylist()
        for group, value in zip(groups, aggregated, strict=True):
            found[group] = value
        return found

    def _at(self, name: str, chosen: Flags, last: bool) -> Values:
        """The column in each group's first or last chosen row; rows are in order."""
        at = np.flatnonzero(chosen)
        group = self._rows.group[at]
        edge = np.ones(len(at), np.bool_)
        edge[slice(0, -1) if last else slice(1, None)] = group[1:] != group[:-1]
        found: Values = [None] * self._rows.groups
        values = self._columns[name].take(pa.array(at[edge])).to_pylist()
        for of, value in zip(group[edge], values, strict=True):
            found[of] = value
        return found


def _fitting(sums: Values, type: pa.DataType) -> Values:
    """A sum that outgrows its type is null instead of the end of the query."""
    if pa.types.is_integer(type):
        return [None if total is None or not -_BIGINT <= total < _BIGINT else int(total) for total in sums]
    return [None if total is None or _digits(total) > type.precision else total for total in sums]


def _digits(value: Decimal) -> int:
    return len(value.as_tuple().digits)


def _averages(sums: Values, counts: Sequence[int], digits: int) -> Values:
    return [
        None if total is None or not count else _ratio(total, count, digits)
        for total, count in zip(sums, counts, strict=True)
    ]


def _frequency(feature: Behavioural, window: Window, counts: Sequence[int]) -> Values:
    assert not isinstance(window, SessionWindow | UnboundedWindow)
    length, unit = milliseconds(window.length), UNIT_MS[feature.unit]
    return [_ratio(count * unit, length, feature.digits or 0) for count in counts]


def _ratio(dividend: Decimal | int, divisor: int, digits: int) -> Decimal | None:
    result = quotient(Decimal(dividend), Decimal(divisor))
    return None if result is None else rounded(result, digits)


def _known(times: Ints, there: Flags) -> list[int | None]:
    return [time if is_there else None for time, is_there in zip(times.tolist(), there.tolist(), strict=True)]


def _micros(times: pa.Array) -> list[int | None]:
    found: list[int | None] = times.cast(pa.int64()).to_pylist()
    return found


# --- Aggregates to finished rows -----------------------------------------------------------------------------------


def finish(feature_set: FeatureSet, now: datetime) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
    """Groups with a `batch_id` in; finished rows (`row_schema`) out, right as of `now` (aware). A group without rows
    gives a row with `is_deleted`."""
    schema = row_schema(feature_set)
    now_micros = micros(now)
    evaluators = {f.name: evaluator(f) for f in feature_set.features if isinstance(f, Derived)}

    def complete(groups: pa.RecordBatch) -> pa.RecordBatch:
        aggregates = aggregate(feature_set, groups, now_micros)
        values = dict(aggregates.values)
        for feature in feature_set.features:
            if isinstance(feature, Behavioural) and feature.measure == "recency":
                values[feature.name] = _days_since(aggregates.latest[feature.window], now_micros)
            elif isinstance(feature, Derived):
                values[feature.name] = _derived(evaluators[feature.name], values, groups.num_rows)
        there = aggregates.is_there
        columns: dict[str, Any] = {name: groups.column(name) for name in feature_set.entity}
        for feature in feature_set.features:
            of = values[feature.name]
            columns[feature.name] = [value if is_there else None for value, is_there in zip(of, there, strict=True)]
        columns |= {
            "window_start": aggregates.window_start,
            "window_end": aggregates.window_end,
            "event_timestamp": aggregates.event_timestamp,
            "created_timestamp": [now_micros] * groups.num_rows,
            "batch_id": groups.column("batch_id"),
            "is_deleted": [not is_there for is_there in there],
        }
        return pa.RecordBatch.from_arrays([_array(columns[f.name], f.type) for f in schema], schema=schema)

    return complete


def _array(values: Any, type: pa.DataType) -> pa.Array:
    return values.cast(type) if isinstance(values, pa.Array) else pa.array(values, type)


def _days_since(event_times: Sequence[int | None], now_micros: int) -> Values:
    today = now_micros // _DAY_MICROS
    return [None if time is None else today - time // _DAY_MICROS for time in event_times]


def _derived(evaluate: Any, values: dict[str, Values], rows: int) -> Values:
    if not values:
        return [evaluate({})] * rows
    names = list(values)
    return [evaluate(dict(zip(names, row, strict=True))) for row in zip(*values.values(), strict=True)]
