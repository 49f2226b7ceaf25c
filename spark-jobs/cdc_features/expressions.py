"""Arithmetic and comparisons over a set's features, as data; literals are decimal texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Operator = Literal["+", "-", "*", "/", ">", ">=", "<", "<=", "=", "!="]


@dataclass(frozen=True)
class FeatureReference:
    name: str


@dataclass(frozen=True)
class DecimalLiteral:
    value: str


@dataclass(frozen=True)
class Operation:
    operator: Operator
    left: Expression
    right: Expression


Expression: TypeAlias = FeatureReference | DecimalLiteral | Operation


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
