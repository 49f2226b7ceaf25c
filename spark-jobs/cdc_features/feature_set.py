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
from cdc_features.rules import Rule

TimestampUnit = Literal["millis", "micros", "nanos"]
DecimalEncoding = Literal["auto", "precise", "text"]
Aggregate = Literal["count", "sum", "avg", "min", "max", "first", "last", "count_distinct"]
Measure = Literal["recency", "frequency", "velocity"]
Unit = Literal["minute", "hour", "day", "days", "week"]

# The name of the only window of a set.
ONLY_WINDOW = "default"


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
    """The captured table, as `schema.table`, and every column of it that the features need.

    `append_only`: rows are never changed. `format` of the events: Debezium's envelope, or `flattened` rows. With
    `replica_identity` "default" an update does not tell where the row was, and a delete holds the key only; the
    definition's rules have seen to it that the row's place never changes then.
    """

    table: str
    primary_key: Sequence[str]
    event_time: str
    columns: Sequence[Column]
    append_only: bool = False
    format: Literal["envelope", "flattened"] = "envelope"
    replica_identity: Literal["full", "default"] = "full"

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
    name: str = ONLY_WINDOW

    @property
    def slide(self) -> str:
        return self.length


@dataclass(frozen=True)
class SlidingWindow:
    """Overlapping windows, one starting at each multiple of `slide`; kept as tumbling ones are."""

    length: str
    slide: str
    retention: str
    name: str = ONLY_WINDOW


@dataclass(frozen=True)
class RollingWindow:
    """The trailing interval: ends with the granule that now is in, `granularity` long, and starts `length` before."""

    length: str
    granularity: str
    name: str = ONLY_WINDOW


@dataclass(frozen=True)
class SessionWindow:
    """The latest run of rows less than `gap` apart, ending `gap` after its latest row; rows `longest` or more
    before that one are none of it."""

    gap: str
    longest: str
    retention: str
    name: str = ONLY_WINDOW


@dataclass(frozen=True)
class UnboundedWindow:
    """All rows, for ever."""

    name: str = ONLY_WINDOW


Window: TypeAlias = TumblingWindow | SlidingWindow | RollingWindow | SessionWindow | UnboundedWindow


@dataclass(frozen=True)
class Aggregated:
    """`count` counts rows; the others skip nulls, and are null over nothing but nulls (`count_distinct`: 0). `avg` has
    `digits`, half up; `first` and `last` go by event time, then by primary key."""

    name: str
    aggregate: Aggregate
    column: str | None = None
    digits: int | None = None
    window: str = ONLY_WINDOW


@dataclass(frozen=True)
class PointInTime:
    """The column in the latest row, by event time, then by primary key."""

    name: str
    column: str
    window: str = ONLY_WINDOW


@dataclass(frozen=True)
class Behavioural:
    """`recency`: UTC calendar days from the latest event time to today; `frequency`: rows per `unit`; `velocity`: rows
    in a rolling window over those in the one before it."""

    name: str
    measure: Measure
    unit: Unit = "days"
    digits: int | None = None
    window: str = ONLY_WINDOW


@dataclass(frozen=True)
class Derived:
    """An expression over features before it: a number rounded half up to `digits`, else of `type`."""

    name: str
    expression: Expression
    digits: int | None = None
    type: Literal["boolean", "integer", "text"] = "boolean"


Feature: TypeAlias = Aggregated | PointInTime | Behavioural | Derived


@dataclass(frozen=True)
class FeatureSet:
    """Either one tumbling or sliding window, and then a row of features for each entity and window; or any others,
    and then one row for each entity, as of now (`as_of_now`)."""

    name: str
    entity: Sequence[str]
    source: Source
    windows: Sequence[Window]
    watermark: str
    features: Sequence[Feature]
    dead_letter_share: str = "0.2"
    validation: Sequence[Rule] = ()

    @property
    def as_of_now(self) -> bool:
        return len(self.windows) > 1 or not isinstance(self.windows[0], TumblingWindow | SlidingWindow)

    @property
    def window(self) -> TumblingWindow | SlidingWindow:
        """The only window of a set that is not as of now."""
        (window,) = self.windows
        assert isinstance(window, TumblingWindow | SlidingWindow)
        return window

    @property
    def retention_ms(self) -> int:
        """How long past its end a window takes changes; sets as of now keep their rows by themselves."""
        return 0 if self.as_of_now else milliseconds(self.window.retention)

    @property
    def lateness_allowed(self) -> str:
        """Spark's watermark delay: a window's rows count until watermark and retention have both passed."""
        return interval(milliseconds(self.watermark) + self.retention_ms)

    @property
    def input_columns(self) -> list[str]:
        """The columns that travel with a row into the state: the event time and what the features read."""
        read = [f.column for f in self.features if isinstance(f, Aggregated | PointInTime) and f.column is not None]
        return list(dict.fromkeys([self.source.event_time, *read]))
