"""Derived features in exact decimals; no Spark."""

from decimal import Decimal

import pytest

from cdc_features.arithmetic import evaluator
from cdc_features.expressions import (
    Expression,
    add,
    divide,
    equal,
    feature,
    greater,
    greater_or_equal,
    less,
    less_or_equal,
    literal,
    multiply,
    not_equal,
    subtract,
)
from cdc_features.feature_set import Derived

VALUES = {"a": Decimal("10.05"), "b": 4, "none": None, "zero": 0, "big": Decimal("9" * 38)}


def value(expression: Expression, digits: int | None = 2) -> Decimal | bool | None:
    return evaluator(Derived("x", expression, digits=digits))(VALUES)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (add(feature("a"), feature("b")), "14.05"),
        (subtract(feature("b"), feature("a")), "-6.05"),
        (multiply(feature("a"), literal("0.1")), "1.01"),
        (divide(feature("a"), feature("b")), "2.51"),
        (divide(literal("1"), literal("8")), "0.13"),
        (divide(literal("-1"), literal("8")), "-0.13"),
        (divide(literal("2"), literal("3")), "0.67"),
        (multiply(divide(literal("1"), literal("3")), literal("3")), "1.00"),
        (literal("5"), "5.00"),
    ],
)
def test_results_round_half_up_to_their_digits(expression: Expression, expected: str) -> None:
    assert str(value(expression)) == expected


def test_a_quotient_is_carried_to_18_digits() -> None:
    assert str(value(multiply(divide(literal("2"), literal("3")), literal("1000000000000000000")), 3)) == (
        "666666666666666667.000"
    )


@pytest.mark.parametrize(
    "expression",
    [
        divide(feature("a"), feature("zero")),
        add(feature("none"), literal("1")),
        multiply(feature("big"), literal("10")),
    ],
)
def test_division_by_zero_null_operands_and_what_does_not_fit_give_null(expression: Expression) -> None:
    assert value(expression, 0) is None


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (greater(feature("a"), literal("10.05")), False),
        (greater_or_equal(feature("a"), literal("10.050")), True),
        (less(feature("b"), literal("4.01")), True),
        (less_or_equal(feature("b"), literal("3.99")), False),
        (equal(feature("b"), literal("4.0")), True),
        (not_equal(feature("b"), literal("4")), False),
        (greater(feature("none"), literal("1")), None),
    ],
)
def test_comparisons(expression: Expression, expected: bool | None) -> None:
    assert value(expression, None) is expected
