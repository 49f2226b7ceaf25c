"""What rows of features have to hold to before they are written, as data; limits are decimal texts.

A null breaks `NotNull` only, and a row that says an entity is gone breaks nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from cdc_features.expressions import Expression

# Counted only; the row is kept from the stores; the run stops before anything of the batch is written.
Severity = Literal["warn", "quarantine", "fail"]


@dataclass(frozen=True)
class NotNull:
    name: str
    feature: str
    severity: Severity = field(kw_only=True)


@dataclass(frozen=True)
class Range:
    name: str
    feature: str
    min: str | None = None
    max: str | None = None
    severity: Severity = field(kw_only=True)


@dataclass(frozen=True)
class AllowedValues:
    """`values` as the online store writes them."""

    name: str
    feature: str
    values: Sequence[str]
    severity: Severity = field(kw_only=True)


@dataclass(frozen=True)
class Pattern:
    """A regular expression that the whole text has to match."""

    name: str
    feature: str
    pattern: str
    severity: Severity = field(kw_only=True)


@dataclass(frozen=True)
class Freshness:
    """From the latest event time to the moment of computing."""

    name: str
    max_age: str
    severity: Severity = field(kw_only=True)


@dataclass(frozen=True)
class Relation:
    """False breaks it, null does not."""

    name: str
    expression: Expression
    severity: Severity = field(kw_only=True)


@dataclass(frozen=True)
class Outlier:
    """Further than `threshold` from the feature's other values: in scaled median absolute deviations from their median,
    or in widths of their middle half from that. With fewer than `min_history` of them it holds."""

    name: str
    feature: str
    method: Literal["robust_z_score", "quantiles"]
    threshold: str
    min_history: int = 100
    severity: Severity = field(kw_only=True)


@dataclass(frozen=True)
class SuddenChange:
    """Against the value that is served until now."""

    name: str
    feature: str
    max_change: str | None = None
    max_factor: str | None = None
    severity: Severity = field(kw_only=True)


Rule: TypeAlias = NotNull | Range | AllowedValues | Pattern | Freshness | Relation | Outlier | SuddenChange
