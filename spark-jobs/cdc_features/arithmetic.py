"""Expressions over features in exact decimals.

+ - * are exact, a quotient is carried to 18 digits after the point, everything rounds half up. A null operand
and a division by zero give null.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from cdc_features.expressions import Call, DecimalLiteral, Expression, FeatureReference, Operation, TextLiteral
from cdc_features.feature_set import Derived

Value = Decimal | int | bool | str | None
Evaluate = Callable[[Mapping[str, Value]], Value]

# More digits than any expression over 38-digit decimals needs.
_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)
_QUOTIENT = Decimal("1E-18")
_MAX_DIGITS = 38

_ARITHMETIC: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": _EXACT.add,
    "-": _EXACT.subtract,
    "*": _EXACT.multiply,
}
_COMPARISON: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}


def evaluator(derived: Derived) -> Evaluate:
    """A function from the values of the features before to this one's: Decimal with its digits, or of its type, or
    None.

    A result of more than 38 digits does not fit a decimal column and is None.
    """
    compute = _compile(derived.expression)
    if derived.digits is None:
        return compute
    digits = derived.digits
    return lambda features: rounded(_decimal(compute(features)), digits)


def compiled(expression: Expression) -> tuple[Evaluate, list[str]]:
    """A function from the values of features to that of the expression, and the names of those that it reads."""
    return _compile(expression), list(dict.fromkeys(_names(expression)))


def _names(expression: Expression) -> list[str]:
    if isinstance(expression, FeatureReference):
        return [expression.name]
    if isinstance(expression, Operation):
        return _names(expression.left) + _names(expression.right)
    arguments = expression.arguments if isinstance(expression, Call) else ()
    return [name for argument in arguments for name in _names(argument)]


def rounded(value: Decimal | None, digits: int) -> Decimal | None:
    """Half up; None for more than 38 digits."""
    if value is None:
        return None
    result = value.quantize(Decimal(1).scaleb(-digits), context=_EXACT)
    return result if len(result.as_tuple().digits) <= _MAX_DIGITS else None


def plus(total: Decimal | None, value: Decimal) -> Decimal:
    return value if total is None else _EXACT.add(total, value)


def quotient(dividend: Decimal, divisor: Decimal) -> Decimal | None:
    """18 digits after the point, half up; None for a division by zero."""
    return None if divisor == 0 else _EXACT.divide(dividend, divisor).quantize(_QUOTIENT, context=_EXACT)


def _compile(expression: Expression) -> Evaluate:
    if isinstance(expression, DecimalLiteral):
        number = Decimal(expression.value)
        return lambda features: number
    if isinstance(expression, TextLiteral):
        text = expression.value
        return lambda features: text
    if isinstance(expression, FeatureReference):
        name = expression.name
        return lambda features: features[name]
    if isinstance(expression, Call):
        return _call(expression)
    left, right = _compile(expression.left), _compile(expression.right)
    apply = _operation(expression.operator)

    def compute(features: Mapping[str, Value]) -> Value:
        a, b = left(features), right(features)
        return None if a is None or b is None else apply(a, b)

    return compute


def _operation(symbol: str) -> Callable[[Value, Value], Value]:
    if compare := _COMPARISON.get(symbol):
        return compare
    apply = quotient if symbol == "/" else _ARITHMETIC[symbol]
    return lambda a, b: apply(_number(a), _number(b))


def _call(call: Call) -> Evaluate:
    arguments = [_compile(argument) for argument in call.arguments]
    apply = _FUNCTIONS[call.function]
    return lambda features: apply(*(argument(features) for argument in arguments))


def _coalesce(*values: Value) -> Value:
    return next((value for value in values if value is not None), None)


def _ratio(dividend: Value, divisor: Value, if_zero: Value = None) -> Value:
    if dividend is None or divisor is None:
        return None
    return if_zero if divisor == 0 else quotient(_number(dividend), _number(divisor))


def _bucket(value: Value, *edges: Value) -> Value:
    return None if value is None else sum(_number(edge) <= _number(value) for edge in edges)


def _cross(*values: Value) -> Value:
    return None if None in values else "|".join(_text(value) for value in values)


_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "coalesce": _coalesce,
    "ratio": _ratio,
    "bucket": _bucket,
    "cross": _cross,
}


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Value) -> Decimal:
    assert isinstance(value, Decimal | int)
    return Decimal(value)


def _decimal(value: Value) -> Decimal | None:
    return None if value is None else _number(value)
