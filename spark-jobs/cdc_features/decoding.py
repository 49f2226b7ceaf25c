"""Values as Debezium writes them, decoded to the types of the definition.

Everything here is a native SQL expression, so no row passes through Python. A value that cannot be decoded
gives null, never an error: Spark's ANSI mode would let one bad value fail the whole query.
Encodings: https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-data-types

In all functions `value` is the SQL of the raw JSON scalar as text, `schema` that of the column's part in the event's
own schema: a struct (type, name, parameters.scale), null when the event has none.
"""

from cdc_features.feature_set import Column

# What Debezium writes for a large value that an update left as it was and the log does not hold.
UNAVAILABLE = "__debezium_unavailable_value"

_TIMESTAMP_UNITS = {
    "io.debezium.time.Timestamp": "millis",
    "org.apache.kafka.connect.data.Timestamp": "millis",
    "io.debezium.time.MicroTimestamp": "micros",
    "io.debezium.time.NanoTimestamp": "nanos",
}
_YEAR_1_MICROS, _YEAR_10000_MICROS = -62_135_596_800_000_000, 253_402_300_800_000_000
_YEAR_1_DAYS, _YEAR_10000_DAYS = -719_162, 2_932_897
_MARKS = {5: "= '-'", 8: "= '-'", 11: "IN ('T', ' ')", 14: "= ':'", 17: "= ':'"}
# Postgres' infinities come as numbers within the last second of the range.
_INFINITY_NANOS = 9_223_372_036_000_000_000


def decoded(column: Column, value: str, schema: str, unscaled: str, margin_micros: int = 0) -> str:
    """The value in the column's type, or null. `unscaled` is where `unscaled_integer` of a decimal was put.

    A timestamp lies within the years 1 to 9999, and `margin_micros` away from both ends.
    """
    if column.decimal_size:
        return _decimal(*column.decimal_size, value, unscaled)
    if column.type == "timestamp":
        return _timestamp(column, value, schema, margin_micros)
    if column.type == "date":
        return _date(value)
    if column.type == "text":
        return f"CASE WHEN {value} <> '{UNAVAILABLE}' THEN {value} END"
    return f"try_cast({value} AS {column.type})"


def precise_bytes(column: Column, value: str, schema: str, quoted: str) -> str:
    """First step of a decimal column: struct(precise, hex, scale); `precise` tells base64 from decimal text.

    `quoted` is the SQL of whether the value stands in quotes; it is asked only where nothing else decides.
    """
    assert column.decimal_size
    # Unconstrained NUMERIC brings its scale along: {"scale":2,"value":"B88="}.
    own = f"{value} LIKE '{{%'"
    precise = _is_precise(column, value, schema, quoted)
    base64 = f"CASE WHEN {own} THEN get_json_object({value}, '$.value') WHEN {precise} THEN {value} END"
    scale = f"""CASE WHEN {own} THEN get_json_object({value}, '$.scale')
        ELSE coalesce({schema}.parameters.scale, '{column.decimal_size[1]}') END"""
    return f"""named_struct(
        'precise', {own} OR {precise},
        'hex', hex(try_to_binary({base64}, 'base64')),
        'scale', try_cast({scale} AS INT))"""


def unscaled_integer(precise: str) -> str:
    """Second step: struct(precise, digits, scale), the bytes as decimal digits; null above 16 bytes or 38 digits."""
    value = f"{precise}.hex"
    sign = f"CASE WHEN {value} >= '8' THEN 'F' ELSE '0' END"
    # conv() to base -10 reads 64 bits as two's complement. A negative number borrows 2^64 from its low half, as
    # the high half alone may be below the lowest decimal.
    high, low = (f"substr(lpad({value}, 32, {sign}), {start}, 16)" for start in (1, 17))
    borrowed = f"CASE WHEN {value} >= '8' THEN 1BD ELSE 0BD END"
    wide = f"""try_add(
        try_multiply(CAST(conv({high}, 16, -10) AS DECIMAL(20, 0)) + {borrowed}, {2**64}BD),
        CAST(conv({low}, 16, 10) AS DECIMAL(20, 0)) - {borrowed} * {2**64}BD)"""
    return f"""named_struct(
        'precise', {precise}.precise,
        'digits', CASE
            WHEN length({value}) BETWEEN 2 AND 16 THEN conv(lpad({value}, 16, {sign}), 16, -10)
            WHEN length({value}) BETWEEN 18 AND 32 THEN CAST({wide} AS STRING) END,
        'scale', {precise}.scale)"""


def _is_precise(column: Column, value: str, schema: str, quoted: str) -> str:
    if column.encoding != "auto":
        return "true" if column.encoding == "precise" else "false"
    # A pattern is slow, so most values never come to it.
    base64 = f"""NOT contains({value}, '.') AND length({value}) % 4 = 0
        AND {value} RLIKE '^[A-Za-z0-9+/]+={{0,2}}$'"""
    return f"""CASE
        WHEN {schema}.name = 'org.apache.kafka.connect.data.Decimal' THEN true
        WHEN {schema}.type <> 'bytes' THEN false
        ELSE {base64} AND lower({value}) <> 'infinity' AND ({value} NOT RLIKE '^[0-9]+$' OR {quoted}) END"""


def _decimal(precision: int, scale: int, value: str, unscaled: str) -> str:
    digits, own_scale = f"{unscaled}.digits", f"{unscaled}.scale"
    # Rounding would make up a value, so digits past the column's scale have to be zeros.
    exact = f"""{own_scale} <= {scale} OR {digits} = '0'
        OR right({digits}, {own_scale} - {scale}) = repeat('0', {own_scale} - {scale})"""
    return f"""CASE WHEN {unscaled}.precise
        THEN CASE WHEN {own_scale} BETWEEN -38 AND 76 AND ({exact})
            THEN try_cast(concat({digits}, 'E', -{own_scale}) AS DECIMAL({precision}, {scale})) END
        ELSE CASE WHEN {_fits_as_text(value, scale)}
            THEN try_cast({value} AS DECIMAL({precision}, {scale})) END END"""


def _fits_as_text(value: str, scale: int) -> str:
    plain = rf"{value} RLIKE r'^[+-]?[0-9]+(\.[0-9]{{0,{scale}}}0*)?$'"
    # Doubles come with an exponent: 1.2345E-5. Count the digits that would stand after the point.
    pattern = r"r'^[+-]?([0-9]+)\.?([0-9]*)[eE]([+-]?[0-9]{1,4})$'"
    whole, fraction, exponent = (f"regexp_extract({value}, {pattern}, {group})" for group in (1, 2, 3))
    significant = f"trim(TRAILING '0' FROM concat({whole}, {fraction}))"
    after_point = f"length({significant}) - length({whole}) - try_cast({exponent} AS INT)"
    return f"{plain} OR ({value} RLIKE {pattern} AND ({significant} = '' OR {after_point} <= {scale}))"


def _timestamp(column: Column, value: str, schema: str, margin_micros: int) -> str:
    units = " ".join(f"WHEN '{name}' THEN '{unit}'" for name, unit in _TIMESTAMP_UNITS.items())
    number = f"try_cast({value} AS BIGINT)"
    finite = f"{number} > -{_INFINITY_NANOS} AND {number} < {_INFINITY_NANOS}"
    micros = f"""CASE CASE {schema}.name {units} ELSE '{column.unit}' END
        WHEN 'micros' THEN {number}
        WHEN 'millis' THEN try_multiply({number}, 1000L)
        ELSE CASE WHEN {finite} THEN CAST(floor(CAST({number} AS DECIMAL(19, 0)) / 1000) AS BIGINT) END END"""
    first, last = _YEAR_1_MICROS + margin_micros, _YEAR_10000_MICROS - margin_micros - 1
    text = f"try_cast({value} AS TIMESTAMP)"
    # What the pattern asks for beyond the cast, where seconds follow, as they nearly always do.
    marks = " AND ".join(f"substr({value}, {at}, 1) {mark}" for at, mark in _MARKS.items())
    return rf"""CASE
        WHEN ({marks}) OR {value} RLIKE r'^\d{{4}}-\d{{2}}-\d{{2}}[T ]\d{{2}}:\d{{2}}' THEN
            CASE WHEN unix_micros({text}) BETWEEN {first} AND {last} THEN {text} END
        WHEN {value} RLIKE r'^-?\d+$' THEN
            timestamp_micros(CASE WHEN {micros} BETWEEN {first} AND {last} THEN {micros} END) END"""


def _date(value: str) -> str:
    days = f"try_cast({value} AS INT)"
    return rf"""CASE
        WHEN {value} RLIKE r'^-?\d+$' THEN date_add(DATE'1970-01-01',
            CASE WHEN {days} BETWEEN {_YEAR_1_DAYS} AND {_YEAR_10000_DAYS - 1} THEN {days} END)
        ELSE try_cast(regexp_extract({value}, r'^(\d{{4}}-\d{{2}}-\d{{2}})Z?$', 1) AS DATE) END"""
