"""Windows of event time, UTC, aligned to the epoch: what is grouped by, and which rows count as of now.

A set with one tumbling or sliding window is grouped by that window. Any other set, which has one row per entity as of
now, is grouped by containers: overlapping stretches of time so long that everything an entity needs now lies in
exactly one. A container ends when nothing needs it any more, and Spark's watermark evicts it as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdc_features.durations import interval, milliseconds
from cdc_features.feature_set import (
    Behavioural,
    FeatureSet,
    RollingWindow,
    SessionWindow,
    UnboundedWindow,
    Window,
)

_DAY = "1 day"
# So far behind that the event times themselves never move the watermark.
_NEVER = "3000000 days"
_BEFORE_ALL = np.iinfo(np.int64).min

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def watermark(feature_set: FeatureSet) -> Callable[[DataFrame], DataFrame]:
    """The watermark follows `clock` instead of the event time, which a wrong clock may have set years ahead.

    Spark evicts by a column that it knows as an event time; the greater of both watermarks counts (session.py).
    """

    def transform(changes: DataFrame) -> DataFrame:
        clocked = changes.withWatermark("clock", feature_set.lateness_allowed).drop("clock")
        return clocked.withWatermark("event_time", _NEVER)

    return transform


def tumbling(event_time: str, length: str) -> Column:
    """The struct column `window` (start, end) that Spark's watermark knows how to evict."""
    return F.window(event_time, length).alias("window")


def sliding(event_time: str, length: str, slide: str) -> Column:
    """As `tumbling`, but a row is in each of the length / slide windows around it."""
    return F.window(event_time, length, slide).alias("window")


def containers(feature_set: FeatureSet) -> Column:
    """As `sliding`, for a set as of now; the same one for all rows where one of its windows is unbounded."""
    hop = _hop_ms(feature_set)
    if hop is None:
        forever = F.lit(None).cast("timestamp")
        return F.struct(forever.alias("start"), forever.alias("end")).alias("window")
    return F.window("event_time", interval(2 * hop), interval(hop)).alias("window")


def length_ms(feature_set: FeatureSet) -> int | None:
    """Length of what is grouped by, None for all of time."""
    if not feature_set.as_of_now:
        return milliseconds(feature_set.window.length)
    hop = _hop_ms(feature_set)
    return None if hop is None else 2 * hop


def home(feature_set: FeatureSet, event_time: str) -> str:
    """SQL of the microseconds at which the newest group of an event time starts. Two event times with the same are
    in the same groups."""
    step = home_step_ms(feature_set)
    if step is None:
        return "0L"
    micros = f"unix_micros({event_time})"
    return f"{micros} - pmod({micros}, {step * 1000}L)"


def home_step_ms(feature_set: FeatureSet) -> int | None:
    """Groups start at its multiples; None where there is one of all of time."""
    return _hop_ms(feature_set) if feature_set.as_of_now else milliseconds(feature_set.window.slide)


def groups_of_a_row(feature_set: FeatureSet) -> int:
    """How many windows, or containers, a row is in."""
    step, length = home_step_ms(feature_set), length_ms(feature_set)
    return 1 if step is None or length is None else -(-length // step)


def container_start(feature_set: FeatureSet, now: int) -> int | None:
    """Start of the container to use at `now` (both micros since 1970), None for all of time."""
    hop = _hop_ms(feature_set)
    if hop is None:
        return None
    oldest = now - _reach_ms(feature_set) * 1000
    return oldest - oldest % (hop * 1000)


def _hop_ms(feature_set: FeatureSet) -> int | None:
    """Half a container: one that starts up to a hop before the oldest row needed holds the newest, whatever now is."""
    if any(isinstance(window, UnboundedWindow) for window in feature_set.windows):
        return None
    # The granule that now is in may reach as far past now.
    return _reach_ms(feature_set) + max(_granularities_ms(feature_set))


def _reach_ms(feature_set: FeatureSet) -> int:
    """How far behind now a row may lie and still count."""
    before = {
        feature.window
        for feature in feature_set.features
        if isinstance(feature, Behavioural) and feature.measure == "velocity"
    }

    def reach(window: Window) -> int:
        if isinstance(window, RollingWindow):
            return milliseconds(window.length) * (2 if window.name in before else 1)
        if isinstance(window, SessionWindow):
            return milliseconds(window.gap) + milliseconds(window.longest) + milliseconds(window.retention)
        assert not isinstance(window, UnboundedWindow)
        return milliseconds(window.length) + milliseconds(window.retention)

    # What is kept is judged by the start of the granule, up to one before now.
    return max(reach(window) for window in feature_set.windows) + granularity_ms(feature_set)


def granularity_ms(feature_set: FeatureSet) -> int:
    """The step in which a set as of now ages: the smallest granularity, a day when there is none."""
    return min(_granularities_ms(feature_set))


def _granularities_ms(feature_set: FeatureSet) -> list[int]:
    given = [window.granularity for window in feature_set.windows if isinstance(window, RollingWindow)]
    return [milliseconds(granularity) for granularity in given or [_DAY]]


@dataclass(frozen=True)
class Rows:
    """The rows of many groups, sorted by group, event time (micros) and primary key; `group` counts up from 0."""

    groups: int
    group: Ints
    time: Ints


@dataclass(frozen=True)
class Selection:
    """Which rows are in a window, and its bounds per group (micros); `bounded` tells where there are any. `before` is
    the interval of the same length before a rolling window."""

    rows: Flags
    start: Ints
    end: Ints
    bounded: Flags
    before: Flags | None = None


def select(feature_set: FeatureSet, window: Window, rows: Rows, now: int) -> Selection:
    """The rows of a window of a set as of `now` (micros since 1970)."""
    step = granularity_ms(feature_set) * 1000
    as_of = now - now % step
    if isinstance(window, RollingWindow):
        return _rolling(window, rows, now)
    begun = rows.time < as_of + step
    if isinstance(window, UnboundedWindow):
        nowhere = np.zeros(rows.groups, np.int64)
        return Selection(begun, nowhere, nowhere, np.zeros(rows.groups, np.bool_))
    latest, has_rows = latest_time(rows, begun)
    if isinstance(window, SessionWindow):
        start, end = _session(window, rows, begun, latest)
    else:
        slide = milliseconds(window.slide) * 1000
        start = latest - latest % slide
        end = start + milliseconds(window.length) * 1000
    kept = has_rows & (end + milliseconds(window.retention) * 1000 > as_of)
    chosen = begun & kept[rows.group] & (rows.time >= start[rows.group]) & (rows.time < end[rows.group])
    return Selection(chosen, start, end, kept)


def _rolling(window: RollingWindow, rows: Rows, now: int) -> Selection:
    granule, length = milliseconds(window.granularity) * 1000, milliseconds(window.length) * 1000
    end = now - now % granule + granule
    start = end - length
    everywhere = np.ones(rows.groups, np.bool_)
    return Selection(
        rows=(rows.time >= start) & (rows.time < end),
        start=np.full(rows.groups, start),
        end=np.full(rows.groups, end),
        bounded=everywhere,
        before=(rows.time >= start - length) & (rows.time < start),
    )


def latest_time(rows: Rows, chosen: Flags) -> tuple[Ints, Flags]:
    """Per group the latest time among the chosen rows, in whatever order, and whether there is one."""
    latest = np.full(rows.groups, _BEFORE_ALL)
    np.maximum.at(latest, rows.group[chosen], rows.time[chosen])
    has_rows = latest > _BEFORE_ALL
    return np.where(has_rows, latest, 0), has_rows


def _session(window: SessionWindow, rows: Rows, begun: Flags, latest: Ints) -> tuple[Ints, Ints]:
    """Start and end of each group's latest session."""
    gap, longest = milliseconds(window.gap) * 1000, milliseconds(window.longest) * 1000
    group, time = rows.group[begun], rows.time[begun]
    near = time > latest[group] - longest
    group, time = group[near], time[near]
    start = np.zeros(rows.groups, np.int64)
    if len(time):
        opens = np.ones(len(time), np.bool_)
        opens[1:] = (group[1:] != group[:-1]) | (time[1:] - time[:-1] >= gap)
        # The last opening row of a group opens its latest session.
        start[group[opens]] = time[opens]
    return start, latest + gap


def primary(feature_set: FeatureSet) -> Window | None:
    """The window whose bounds stand for an entity's: the longest rolling one, else the first that has bounds."""
    rolling = [window for window in feature_set.windows if isinstance(window, RollingWindow)]
    if rolling:
        return max(rolling, key=lambda window: milliseconds(window.length))
    bounded = [window for window in feature_set.windows if not isinstance(window, UnboundedWindow)]
    return bounded[0] if bounded else None
