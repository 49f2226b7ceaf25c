"""Which finished rows break which of a set's rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pyarrow as pa

from cdc_features.arithmetic import Value, compiled
from cdc_features.durations import milliseconds
from cdc_features.feature_set import FeatureSet
from cdc_features.online import iso, text
from cdc_features.references import Reference
from cdc_features.rules import (
    AllowedValues,
    Freshness,
    NotNull,
    Outlier,
    Pattern,
    Range,
    Relation,
    Rule,
    Severity,
    SuddenChange,
)

Row = Mapping[str, Any]
# What a row has of the rule, when it breaks it: half a sentence.
Check = Callable[[Row, Row | None], str | None]


@dataclass(frozen=True)
class Broken:
    """A rule that a row breaks, and why, as a sentence."""

    rule: str
    severity: Severity
    reason: str


class ValidationError(RuntimeError):
    """Rows of a batch break rules whose severity is `fail`; nothing of the batch has been written."""


def as_told(feature_set: FeatureSet, on_fail: Severity) -> FeatureSet:
    """The set with `on_fail` as the severity of rules that would stop the run."""
    rules = [replace(rule, severity=on_fail) if rule.severity == "fail" else rule for rule in feature_set.validation]
    return replace(feature_set, validation=rules)


def compares_with_served(feature_set: FeatureSet) -> bool:
    return any(isinstance(rule, SuddenChange) for rule in feature_set.validation)


class Validator:
    """`references` are what outliers are measured by, by the name of the rule."""

    def __init__(self, feature_set: FeatureSet, references: Mapping[str, Reference]) -> None:
        self._checks = [(rule, _check(rule, references.get(rule.name))) for rule in feature_set.validation]
        read = {feature.name for feature in feature_set.features}
        self._columns = [*read, "event_timestamp", "created_timestamp"]

    def broken(self, finished: pa.RecordBatch, served: Sequence[Row | None]) -> list[list[Broken]]:
        """Of each finished row (features.py `row_schema`) the rules that it breaks; `served` are the features' values
        that are served until now, of rows that have such."""
        columns = {name: _plain(finished.column(name)) for name in self._columns}
        deleted = finished.column("is_deleted").to_pylist()
        rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
        return [
            [] if is_deleted else self._broken(row, before)
            for row, before, is_deleted in zip(rows, served, deleted, strict=True)
        ]

    def _broken(self, row: Row, served: Row | None) -> list[Broken]:
        found = ((rule, check(row, served)) for rule, check in self._checks)
        return [Broken(rule.name, rule.severity, reason) for rule, reason in found if reason is not None]


def _plain(column: pa.Array) -> list[Any]:
    """Times as micros since 1970: a file may hold some that Python has no name for."""
    values: list[Any] = (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
    return values


def _check(rule: Rule, reference: Reference | None) -> Check:
    if isinstance(rule, NotNull):
        return lambda row, served: f"{rule.feature} is null" if row[rule.feature] is None else None
    if isinstance(rule, Range):
        return _range(rule)
    if isinstance(rule, AllowedValues):
        return _of_value(rule.feature, _allowed(rule))
    if isinstance(rule, Pattern):
        matches = re.compile(rule.pattern, re.ASCII).fullmatch
        return _of_value(
            rule.feature, lambda value: None if matches(value) else f"is {_shown(value)}, not like {rule.pattern}"
        )
    if isinstance(rule, Freshness):
        return _freshness(rule)
    if isinstance(rule, Relation):
        return _relation(rule)
    if isinstance(rule, Outlier):
        return _outlier(rule, reference)
    return _sudden_change(rule)


def _of_value(feature: str, problem: Callable[[Any], str | None]) -> Check:
    """A check of one value that is not null."""

    def check(row: Row, served: Row | None) -> str | None:
        value = row[feature]
        found = None if value is None else problem(value)
        return None if found is None else f"{feature} {found}"

    return check


def _range(rule: Range) -> Check:
    least = None if rule.min is None else Decimal(rule.min)
    most = None if rule.max is None else Decimal(rule.max)

    def problem(value: Any) -> str | None:
        if least is not None and value < least:
            return f"is {_shown(value)}, below {rule.min}"
        if most is not None and value > most:
            return f"is {_shown(value)}, above {rule.max}"
        return None

    return _of_value(rule.feature, problem)


def _allowed(rule: AllowedValues) -> Callable[[Any], str | None]:
    allowed = frozenset(rule.values)
    listed = ", ".join(rule.values)
    return lambda value: None if text(value) in allowed else f"is {_shown(value)}, none of {listed}"


def _freshness(rule: Freshness) -> Check:
    most = milliseconds(rule.max_age) * 1000

    def check(row: Row, served: Row | None) -> str | None:
        latest = row["event_timestamp"]
        if latest is None or row["created_timestamp"] - latest <= most:
            return None
        return f"its latest row is of {iso(latest)}, more than {rule.max_age} ago"

    return check


def _relation(rule: Relation) -> Check:
    holds, names = compiled(rule.expression)

    def check(row: Row, served: Row | None) -> str | None:
        if holds(row) is not False:
            return None
        return "it does not hold: " + ", ".join(f"{name} is {_shown(row[name])}" for name in names)

    return check


def _outlier(rule: Outlier, reference: Reference | None) -> Check:
    if reference is None or not reference.is_usable:
        return lambda row, served: None
    usable, threshold = reference, float(rule.threshold)
    unit = "median deviations" if rule.method == "robust_z_score" else "middle halves"

    def problem(value: Any) -> str | None:
        distance = usable.distance(float(value))
        if distance <= threshold:
            return None
        return f"is {_shown(value)}, {distance:.1f} {unit} from its history, more than {rule.threshold}"

    return _of_value(rule.feature, problem)


def _sudden_change(rule: SuddenChange) -> Check:
    most = None if rule.max_change is None else Decimal(rule.max_change)
    factor = None if rule.max_factor is None else Decimal(rule.max_factor)

    def check(row: Row, served: Row | None) -> str | None:
        value, before = row[rule.feature], served[rule.feature] if served else None
        if value is None or before is None:
            return None
        now, then = Decimal(value), Decimal(before)
        told = f"{rule.feature} is {_shown(value)} after {_shown(before)}, a change by more than"
        if most is not None and abs(now - then) > most:
            return f"{told} {rule.max_change}"
        # From or to zero there is no factor; a change of sign is more than any.
        if factor is not None and now and then:
            smaller, greater = sorted((abs(now), abs(then)))
            if greater > factor * smaller or (now > 0) != (then > 0):
                return f"{told} {rule.max_factor} times"
        return None

    return check


def _shown(value: Value) -> str:
    return "null" if value is None else text(value)
