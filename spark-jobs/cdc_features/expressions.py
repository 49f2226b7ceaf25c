"""Expressions over a set's features, as data; number literals are decimal texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Operator = Literal["+", "-", "*", "/", ">", ">=", "<", "<=", "=", "!="]
Function = Literal["coalesce", "ratio", "bucket", "cross"]


@dataclass(frozen=True)
class FeatureReference:
    name: str


@dataclass(frozen=True)
class DecimalLiteral:
    value: str


@dataclass(frozen=True)
class TextLiteral:
    value: str


@dataclass(frozen=True)
class Operation:
    operator: Operator
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Call:
    """`coalesce`: the first that is not null. `ratio`: dividend, divisor, the value when that is zero (null when not
    given). `bucket`: how many of the edges are not above the first. `cross`: the texts, with `|` between."""

    function: Function
    arguments: tuple[Expression, ...]


Expression: TypeAlias = FeatureReference | DecimalLiteral | TextLiteral | Operation | Call


def feature(name: str) -> Expression:
    return FeatureReference(name)


def literal(value: str) -> Expression:
    return DecimalLiteral(value)


def add(left: Expression, right: Expression) -> Expression:
    return Operation("+", left, right)


def subtract(left: Expression, right: Expression) -> Expression:
    return Operation("-", left, right)


def multiply(left: Expression, right: Expression) -> Expression:
    return Operation("*", left, right)


def divide(left: Expression, right: Expression) -> Expression:
    return Operation("/", left, right)


def greater(left: Expression, right: Expression) -> Expression:
    return Operation(">", left, right)


def greater_or_equal(left: Expression, right: Expression) -> Expression:
    return Operation(">=", left, right)


def less(left: Expression, right: Expression) -> Expression:
    return Operation("<", left, right)


def less_or_equal(left: Expression, right: Expression) -> Expression:
    return Operation("<=", left, right)


def equal(left: Expression, right: Expression) -> Expression:
    return Operation("=", left, right)


def not_equal(left: Expression, right: Expression) -> Expression:
    return Operation("!=", left, right)


def text(value: str) -> Expression:
    return TextLiteral(value)


def coalesce(*arguments: Expression) -> Expression:
    return Call("coalesce", arguments)


def ratio(*arguments: Expression) -> Expression:
    return Call("ratio", arguments)


def bucket(*arguments: Expression) -> Expression:
    return Call("bucket", arguments)


def cross(*arguments: Expression) -> Expression:
    return Call("cross", arguments)
