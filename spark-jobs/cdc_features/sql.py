"""Names and texts as Spark SQL writes them.

Long expressions are SQL texts here and not calls on Columns: each call is a round trip to the JVM, and
thousands of them made a job's start seconds longer.
"""

from collections.abc import Mapping

from pyspark.sql.types import (
    ArrayType,
    DataType,
    DateType,
    IntegerType,
    LongType,
    StructField,
    StructType,
    TimestampType,
)


def struct(fields: Mapping[str, DataType]) -> StructType:
    return StructType([StructField(name, type) for name, type in fields.items()])


def physical(type: DataType) -> DataType:
    """What Java hands over for a type: a time as micros since 1970, a date as days; converting them would cost more
    than all else."""
    if isinstance(type, ArrayType):
        return ArrayType(physical(type.elementType), containsNull=False)
    if isinstance(type, StructType):
        return struct({field.name: physical(field.dataType) for field in type})
    if isinstance(type, TimestampType):
        return LongType()
    return IntegerType() if isinstance(type, DateType) else type


def logical(expression: str, type: DataType) -> str:
    """SQL of what `physical` made a number."""
    if isinstance(type, TimestampType):
        return f"timestamp_micros({expression})"
    return f"date_from_unix_date({expression})" if isinstance(type, DateType) else expression


def name(identifier: str) -> str:
    return "`" + identifier.replace("`", "``") + "`"


def text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def type(column_type: str) -> str:
    """A definition's column type as Spark names it."""
    return "string" if column_type == "text" else column_type
