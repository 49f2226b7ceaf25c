"""Windows of event time, UTC, aligned to the epoch."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def tumbling(event_time: str, length: str) -> Column:
    """The struct column `window` (start, end) that Spark's watermark knows how to evict."""
    return F.window(event_time, length).alias("window")


def tumbling_start(event_time: str, length_ms: int) -> str:
    """SQL of the microseconds at which the same window starts; tells whether an update moved a row between windows."""
    micros = f"unix_micros({event_time})"
    return f"{micros} - pmod({micros}, {length_ms * 1000}L)"
