"""The declaration of a feature set: plain frozen data, checked already by whoever rendered it.

Times are UTC, durations are texts such as `"30 days"`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from cdc_features.durations import interval, milliseconds
from cdc_features.expressions import Expression

TimestampUnit = Literal["millis", "micros", "nanos"]
DecimalEncoding = Literal["auto", "precise", "text"]
Aggregate = Literal["count", "sum", "count_distinct"]


@dataclass(frozen=True)
class Column:
    """A column of the source table, `type` in Spark's words: `bigint`, `decimal(12,2)`, `timestamp`, …

    `unit` is what a bare number in a timestamp counts since 1970, `encoding` how Debezium wrote a NUMERIC;
    both step back when an event brings its own schema.
    """

    name: str
    type: str
    unit: TimestampUnit = "micros"
    encoding: DecimalEncoding = "auto"

    @property
    def decimal_size(self) -> tuple[int, int] | None:
        """(precision, scale) of a decimal column, None for every other."""
        size = re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", self.type)
        return (int(size[1]), int(size[2])) if size else None


@dataclass(frozen=True)
class Source:
    """The captured table, as `schema.table`, and every column of it that the features need."""

    table: str
    primary_key: str
    event_time: str
    columns: Sequence[Column]

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def topic(self, prefix: str) -> str:
        """The Kafka topic as Debezium names it."""
        return f"{prefix}.{self.table}"


@dataclass(frozen=True)
class TumblingWindow:
    """Windows aligned to the epoch; each is kept until the watermark passed its end by `retention`."""

    length: str
    retention: str

    @property
    def length_ms(self) -> int:
        return milliseconds(self.length)


@dataclass(frozen=True)
class Aggregated:
    """`count` counts rows; `sum` and `count_distinct` skip nulls; a sum of nothing but nulls is null."""

    name: str
    aggregate: Aggregate
    column: str | None = None


@dataclass(frozen=True)
class Behavioural:
    """`recency`: UTC calendar days from the latest event time in the window to today."""

    name: str
    measure: Literal["recency"]
    unit: Literal["days"] = "days"


@dataclass(frozen=True)
class Derived:
    """Arithmetic over features before it, rounded half up to `digits`; without `digits` a comparison."""

    name: str
    expression: Expression
    digits: int | None = None


Feature: TypeAlias = Aggregated | Behavioural | Derived


@dataclass(frozen=True)
class FeatureSet:
    name: str
    entity: str
    source: Source
    window: TumblingWindow
    watermark: str
    features: Sequence[Feature]

    @property
    def lateness_allowed(self) -> str:
        """Spark's watermark delay: a window's rows count until watermark and retention have both passed."""
        return interval(milliseconds(self.watermark) + milliseconds(self.window.retention))

    @property
    def aggregated(self) -> list[Aggregated]:
        return [feature for feature in self.features if isinstance(feature, Aggregated)]
