"""Durations as definitions write them: `<n> <unit>`, units of fixed length only."""

_MILLISECONDS = {
    "day": 86_400_000,
    "hour": 3_600_000,
    "minute": 60_000,
    "second": 1_000,
    "millisecond": 1,
}


def milliseconds(duration: str) -> int:
    """Milliseconds in `"30 days"`, `"1 hour"`, …; ValueError names a text that is none."""
    count, _, unit = duration.partition(" ")
    size = _MILLISECONDS.get(unit.removesuffix("s"))
    if size is None or not count.isdigit():
        raise ValueError(f'"{duration}" is no duration: expected "<n> days|hours|minutes|seconds|milliseconds"')
    return int(count) * size


def interval(length_ms: int) -> str:
    """The same length as a Spark interval, in the largest unit that divides it."""
    unit, size = next((unit, size) for unit, size in _MILLISECONDS.items() if length_ms % size == 0)
    count = length_ms // size
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
