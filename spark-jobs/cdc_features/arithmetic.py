"""Expressions over features in exact decimals.

+ - * are exact, a quotient is carried to 18 digits after the point, everything rounds half up. A null operand
and a division by zero give null.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal

from cdc_features.expressions import DecimalLiteral, Expression, FeatureReference
from cdc_features.feature_set import Derived

Number = Decimal | int | None
Evaluate = Callable[[Mapping[str, Number]], "Decimal | bool | None"]

# More digits than any expression over 38-digit decimals needs.
_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)
_QUOTIENT = Decimal("1E-18")
_MAX_DIGITS = 38

_ARITHMETIC: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": _EXACT.add,
    "-": _EXACT.subtract,
    "*": _EXACT.multiply,
}
_COMPARISON: dict[str, Callable[[Decimal, Decimal], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}


def evaluator(derived: Derived) -> Evaluate:
    """A function from the values of the features before to this one's: Decimal with its digits, bool or None.

    A result of more than 38 digits does not fit a decimal column and is None.
    """
    compute = _compile(derived.expression)
    if derived.digits is None:
        return compute
    digits = Decimal(1).scaleb(-derived.digits)
    return lambda features: _rounded(compute(features), digits)


def _rounded(value: Decimal | bool | None, digits: Decimal) -> Decimal | None:
    if value is None:
        return None
    rounded = Decimal(value).quantize(digits, context=_EXACT)
    return rounded if len(rounded.as_tuple().digits) <= _MAX_DIGITS else None


def _compile(expression: Expression) -> Evaluate:
    if isinstance(expression, DecimalLiteral):
        constant = Decimal(expression.value)
        return lambda features: constant
    if isinstance(expression, FeatureReference):
        name = expression.name
        return lambda features: _decimal(features[name])
    left, right = _compile(expression.left), _compile(expression.right)
    apply = _operation(expression.operator)

    def compute(features: Mapping[str, Number]) -> Decimal | bool | None:
        a, b = left(features), right(features)
        return None if a is None or b is None else apply(Decimal(a), Decimal(b))

    return compute


def _operation(symbol: str) -> Callable[[Decimal, Decimal], Decimal | bool | None]:
    if symbol == "/":
        return _quotient
    return _COMPARISON.get(symbol) or _ARITHMETIC[symbol]


def _quotient(dividend: Decimal, divisor: Decimal) -> Decimal | None:
    return None if divisor == 0 else _EXACT.divide(dividend, divisor).quantize(_QUOTIENT, context=_EXACT)


def _decimal(value: Number) -> Decimal | None:
    return None if value is None else Decimal(value)
