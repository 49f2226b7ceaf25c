"""Values as Debezium writes them, decoded to the types of the definition.

Everything here takes and returns native Columns, so no row passes through Python. A value that cannot be
decoded gives null, never an error: Spark's ANSI mode would let one bad value fail the whole query.
Encodings: https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-data-types
"""

from decimal import Decimal

from pyspark.sql import Column as C
from pyspark.sql import functions as F

from cdc_features.feature_set import Column, TimestampUnit

# What Debezium writes for a large value that an update left as it was and the log does not hold.
UNAVAILABLE = "__debezium_unavailable_value"

_KAFKA_DECIMAL = "org.apache.kafka.connect.data.Decimal"
_TIMESTAMP_UNITS: dict[str, TimestampUnit] = {
    "io.debezium.time.Timestamp": "millis",
    "org.apache.kafka.connect.data.Timestamp": "millis",
    "io.debezium.time.MicroTimestamp": "micros",
    "io.debezium.time.NanoTimestamp": "nanos",
}
_YEAR_1_MICROS = -62_135_596_800_000_000
_YEAR_10000_MICROS = 253_402_300_800_000_000
# Postgres' infinities come as numbers within the last second of this range.
_INFINITY_NANOS = 9_223_372_036_000_000_000
_YEAR_10000_DAYS = 2_932_897
_YEAR_1_DAYS = -719_162


def decode(column: Column, text: C, field: C) -> C:
    """The value of `text` (JSON scalar or raw JSON, string) in the column's type, or null.

    `field` is the column's part of the event's own schema, a struct (type, name, parameters.scale),
    null when the event has none.
    """
    if column.decimal_size:
        return _decimal(column, *column.decimal_size, text, field)
    if column.type == "timestamp":
        return _timestamp(column, text, field)
    if column.type == "date":
        return _date(text)
    if column.type in ("string", "text"):
        return F.when(text != UNAVAILABLE, text)
    return text.try_cast(column.type)


def _decimal(column: Column, precision: int, scale: int, text: C, field: C) -> C:
    target = f"decimal({precision},{scale})"
    # Unconstrained NUMERIC brings its scale along: {"scale":2,"value":"B88="}.
    own_scale = F.get_json_object(text, "$.scale").try_cast("int")
    schema_scale = F.coalesce(field["parameters"]["scale"].try_cast("int"), F.lit(scale))
    return (
        F.when(text.startswith("{"), _precise(F.get_json_object(text, "$.value"), own_scale, target, scale))
        .when(_is_precise(column, text, field), _precise(text, schema_scale, target, scale))
        .otherwise(_decimal_text(text, target, scale))
    )


def _is_precise(column: Column, text: C, field: C) -> C:
    if column.encoding != "auto":
        return F.lit(column.encoding == "precise")
    looks_like_base64 = text.rlike("^[A-Za-z0-9+/]+={0,2}$") & (F.length(text) % 4 == 0) & (F.lower(text) != "infinity")
    return (
        F.when(field["name"] == _KAFKA_DECIMAL, True)
        .when(field["type"].isin("string", "double"), False)
        .otherwise(looks_like_base64)
    )


def _precise(base64: C, value_scale: C, target: str, scale: int) -> C:
    """base64 of a big-endian two's complement integer of up to 16 bytes, times 10^-value_scale."""
    digits = _signed_integer(F.hex(F.try_to_binary(base64, F.lit("base64"))))
    # Rounding would make up a value, so digits past the column's scale have to be zeros.
    surplus = value_scale - F.lit(scale)
    exact = (surplus <= 0) | (digits == "0") | (F.right(digits, surplus) == F.repeat(F.lit("0"), surplus))
    exponent = (-value_scale).cast("string")
    return F.when(value_scale.between(-38, 76), F.when(exact, F.concat(digits, F.lit("E"), exponent).try_cast(target)))


def _signed_integer(hexadecimal: C) -> C:
    """Decimal digits of a two's complement number in hexadecimal, null above 16 bytes or 38 digits."""
    negative = hexadecimal.rlike("^[89A-F]")
    # conv() knows 64 unsigned bits only, so: complement, two halves, and undo the complement as -x-1.
    complement = F.translate(hexadecimal, "0123456789ABCDEF", "FEDCBA9876543210")
    magnitude = F.lpad(F.when(negative, complement).otherwise(hexadecimal), 32, "0")
    high, low = (F.conv(F.substring(magnitude, start, 16), 16, 10).try_cast("decimal(20,0)") for start in (1, 17))
    two_to_64 = F.lit(Decimal(2**64))
    unsigned = F.try_add(F.try_multiply(high, two_to_64), low).try_cast("decimal(38,0)")
    value = F.when(negative, F.try_subtract(-unsigned, F.lit(1))).otherwise(unsigned)
    return F.when(F.length(hexadecimal).between(2, 32), value.cast("string"))


def _decimal_text(text: C, target: str, scale: int) -> C:
    value = text.try_cast(target)
    plain = text.rlike(rf"^[+-]?[0-9]+(\.[0-9]{{0,{scale}}}0*)?$")
    # Doubles come with an exponent: 1.2345E-5. Count the digits that would stand after the point.
    pattern = r"^[+-]?([0-9]+)\.?([0-9]*)[eE]([+-]?[0-9]{1,4})$"
    whole, fraction = (F.regexp_extract(text, pattern, group) for group in (1, 2))
    exponent = F.regexp_extract(text, pattern, 3).try_cast("int")
    digits = F.concat(whole, fraction)
    significant = F.rtrim(digits, F.lit("0"))
    after_point = F.length(fraction) - exponent - (F.length(digits) - F.length(significant))
    scientific = text.rlike(pattern) & ((significant == "") | (after_point <= scale))
    return F.when(plain | scientific, value)


def _timestamp(column: Column, text: C, field: C) -> C:
    number = text.try_cast("bigint")
    by_schema = [F.when(field["name"] == name, unit) for name, unit in _TIMESTAMP_UNITS.items()]
    unit = F.coalesce(*by_schema, F.lit(column.unit))
    nanos = F.when(
        (number > -_INFINITY_NANOS) & (number < _INFINITY_NANOS),
        F.floor(number.cast("decimal(19,0)") / 1000),
    ).cast("bigint")
    micros = (
        F.when(unit == "micros", number).when(unit == "millis", F.try_multiply(number, F.lit(1000))).otherwise(nanos)
    )
    in_range = F.when((micros >= _YEAR_1_MICROS) & (micros < _YEAR_10000_MICROS), micros)
    iso = text.rlike(r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
    return F.when(iso, text.try_cast("timestamp")).when(text.rlike(r"^-?\d+$"), F.timestamp_micros(in_range))


def _date(text: C) -> C:
    days = text.try_cast("int")
    in_range = F.when((days >= _YEAR_1_DAYS) & (days < _YEAR_10000_DAYS), days)
    iso = F.regexp_extract(text, r"^(\d{4}-\d{2}-\d{2})Z?$", 1)
    return F.when(text.rlike(r"^-?\d+$"), F.date_add(F.lit("1970-01-01").cast("date"), in_range)).otherwise(
        iso.try_cast("date")
    )
