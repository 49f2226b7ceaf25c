"""The online store: one Redis hash per entity with its latest window, compared and written in one step.

Beside `customer:42:features` stands `{customer:42:features}:windows` (keys.py keeps both in one cluster slot): per
kept window its version and its features, or only the version when the window lost its last row. From
it the script picks what the features hash shows; because it compares versions, no replay can take a value back.
"""

import contextlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timezone
from decimal import Decimal
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdc_features.durations import milliseconds
from cdc_features.feature_set import FeatureSet
from cdc_features.features import micros
from cdc_features.keys import features_key_of, windows_key
from cdc_features.servers import ERRORS, Call, connect
from cdc_features.settings import Redis

# What TypeScript's online writer runs, too; a file of the package, which executors have as a zip.
COMPARE_AND_WRITE = (pkgutil.get_data(__package__, "compare_and_write.lua") or b"").decode()

_CALLS_PER_ROUND_TRIP = 1000


class OnlineStoreError(RuntimeError):
    """The online store refused a write or cannot be reached; the batch fails and is run again later."""


def features_key(feature_set: FeatureSet, entity: str) -> str:
    return f"{feature_set.name}:{entity}:features"


def entity_text(values: Sequence[object]) -> str:
    """The key columns as one text, joined by `:`; in keys of several columns a `:` or `\\` within one is escaped."""
    texts = [text(value) for value in values]
    return texts[0] if len(texts) == 1 else ":".join(re.sub(r"[\\:]", r"\\\g<0>", part) for part in texts)


def iso(at: int) -> str:
    """ISO 8601 in UTC; a fraction, of six digits, only where there is one."""
    time = datetime.fromtimestamp(at // 1_000_000, timezone.utc).replace(microsecond=at % 1_000_000)
    return time.replace(tzinfo=None).isoformat() + "Z"


def text(value: object) -> str:
    """A feature's value as the store holds it."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bool):
        return "true" if value else "false"
    return iso(micros(value)) if isinstance(value, datetime) else str(value)


def expired_start(feature_set: FeatureSet, watermark_ms: int) -> int:
    """Start (epoch seconds) of the newest window whose end the watermark has passed; a set as of now has none."""
    if feature_set.as_of_now:
        return -1
    return (watermark_ms - milliseconds(feature_set.window.length)) // 1000


def changes(feature_set: FeatureSet, finished: pa.RecordBatch) -> Iterator[Call]:
    """Per finished row a call with one change."""
    columns = {feature.name: feature.name for feature in feature_set.features} | _TIMES
    # A member of the payload as it stands in JSON; a null is none.
    members = zip(*(_members(field, finished.column(column)) for field, column in columns.items()), strict=True)
    entities = zip(*(finished.column(name).to_pylist() for name in feature_set.entity), strict=True)
    deleted, versions = (finished.column(name).to_pylist() for name in ("is_deleted", "batch_id"))
    starts = finished.column("window_start").cast(pa.int64()).to_pylist()
    for entity, row, is_deleted, version, start in zip(entities, members, deleted, versions, starts, strict=True):
        payload = "" if is_deleted else f"[{', '.join(filter(None, row))}]"
        change = [_window(feature_set, start), f"{version:020d}", payload]
        yield features_key(feature_set, entity_text(entity)), change


def finished_changes(feature_set: FeatureSet, rows: pa.RecordBatch) -> Iterator[Call]:
    """`changes` of rows that Java has finished (finishing.py). One without a key was found in the stores."""
    starts = rows.column("window_start").cast(pa.int64()).to_pylist()
    columns = [rows.column(name).to_pylist() for name in ("key", "payload", "batch_id", *feature_set.entity)]
    for start, key, payload, version, *entity in zip(starts, *columns, strict=True):
        change = [f"{start // 1_000_000:012d}", f"{version:020d}", payload or ""]
        yield key or features_key(feature_set, entity_text(entity)), change


def _window(feature_set: FeatureSet, start: int | None) -> str:
    """The windows hash's field; `start` in micros since 1970. A set as of now has one row per entity."""
    return f"{0 if feature_set.as_of_now or start is None else start // 1_000_000:012d}"


def _served(entry: bytes | None, names: Sequence[str]) -> dict[str, str | None] | None:
    payload = b"" if entry is None else entry[21:]
    if not payload:
        return None
    members = json.loads(payload)
    told = dict(zip(members[::2], members[1::2], strict=True))
    return {name: told.get(name) for name in names}


def _members(field: str, column: pa.Array) -> list[str | None]:
    name = json.dumps(field)
    if pa.types.is_string(column.type):
        return [None if value is None else f"{name}, {json.dumps(value)}" for value in column.to_pylist()]
    # Numbers, times and truth values have nothing to escape.
    return [None if value is None else f'{name}, "{value}"' for value in _texts(column)]


_TIMES = {
    "_window_start": "window_start",
    "_window_end": "window_end",
    "_event_time": "event_timestamp",
    "_computed_at": "created_timestamp",
}


def _texts(column: pa.Array) -> list[str | None]:
    """`text` of each value; times by the column, since a time takes longer than all else."""
    if pa.types.is_integer(column.type):
        digits: list[str | None] = column.cast(pa.string()).to_pylist()
        return digits
    if not pa.types.is_timestamp(column.type):
        return [None if value is None else text(value) for value in column.to_pylist()]
    at_micros = column.cast(pa.int64())
    whole = np.datetime_as_string((pc.fill_null(at_micros, 0).to_numpy() // 1_000_000).astype("M8[s]"))
    return [
        None if at is None else f"{second}.{at % 1_000_000:06d}Z" if at % 1_000_000 else f"{second}Z"
        for second, at in zip(whole.tolist(), at_micros.to_pylist(), strict=True)
    ]


class OnlineWriter:
    """Sends script calls in pipelines. Retries are harmless, since every call compares versions.

    `expired` is the newest window start that is no longer kept (epoch seconds), `as_of` a version that changes are
    right as of, though they are older. The last changes go with `flush`.
    """

    def __init__(self, given: Redis, expired: int, as_of: int = 0) -> None:
        self._address = address(given.url)
        self._arguments = [str(expired), f"{as_of:020d}"]
        self._waiting: list[Call] = []
        self._sender = ThreadPoolExecutor(max_workers=1)
        self._on_its_way: Future[None] | None = None
        with self._told("used"):
            self._servers = connect(given, COMPARE_AND_WRITE)

    def close(self) -> None:
        self._sender.shutdown()
        self._servers.close()

    def write(self, calls: Iterable[Call]) -> None:
        """Neighbouring changes of one key become one call, so that no reader sees some of an entity's windows only.

        OnlineStoreError tells the reason of the first call that failed.
        """
        for key, change in calls:
            if self._waiting and self._waiting[-1][0] == key:
                self._waiting[-1][1].extend(change)
                continue
            if len(self._waiting) == _CALLS_PER_ROUND_TRIP:
                self._dispatch()
            self._waiting.append((key, list(change)))

    def flush(self) -> None:
        """Sends what waits, until all is written; OnlineStoreError as in `write`."""
        self._dispatch()
        self._arrive()

    def _dispatch(self) -> None:
        """The next round trip is put together while Redis works on this one."""
        self._arrive()
        if self._waiting:
            self._on_its_way = self._sender.submit(self._send, self._waiting)
            self._waiting = []

    def _arrive(self) -> None:
        on_its_way, self._on_its_way = self._on_its_way, None
        if on_its_way:
            on_its_way.result()

    def _send(self, round_trip: Sequence[Call]) -> None:
        with self._told("written"):
            failed = self._servers.run(round_trip, self._arguments)
        if failed:
            (key, _), error = failed[0]
            raise OnlineStoreError(f"Redis at {self._address} refused to write {key}: {error}") from error

    @property
    def retries(self) -> int:
        """Calls that were sent again."""
        return self._servers.retries

    def companions(self, feature_set: FeatureSet) -> Iterator[str]:
        """The features keys of all entities that have a windows hash; some perhaps more than once."""
        begin = features_key(feature_set, "*")
        with self._told("read"):
            for key in self._servers.keys(f"{{*{begin}*:windows"):
                features = features_key_of(key)
                if features is not None and features.startswith(f"{feature_set.name}:"):
                    yield features

    def versions(self, key: str) -> list[tuple[str, str]]:
        """Window and version of each entry in the windows hash beside a features key."""
        with self._told("read"):
            stored = self._servers.entries(windows_key(key))
        return [(window.decode(), entry[:20].decode()) for window, entry in stored.items()]

    def served(self, feature_set: FeatureSet, finished: pa.RecordBatch) -> list[dict[str, str | None] | None]:
        """Of each finished row the features that are served of its window until now, as texts."""
        entities = zip(*(finished.column(name).to_pylist() for name in feature_set.entity), strict=True)
        starts = finished.column("window_start").cast(pa.int64()).to_pylist()
        wanted = [
            (windows_key(features_key(feature_set, entity_text(entity))), _window(feature_set, start))
            for entity, start in zip(entities, starts, strict=True)
        ]
        names = [feature.name for feature in feature_set.features]
        found: list[bytes | None] = []
        with self._told("read"):
            for i in range(0, len(wanted), _CALLS_PER_ROUND_TRIP):
                found += self._servers.fields(wanted[i : i + _CALLS_PER_ROUND_TRIP])
        return [_served(entry, names) for entry in found]

    @contextlib.contextmanager
    def _told(self, done: str) -> Iterator[None]:
        try:
            yield
        except ERRORS as error:
            raise OnlineStoreError(f"Redis at {self._address} cannot be {done}: {error}") from error


def address(url: str) -> str:
    """The URL without its password, for messages."""
    parts = urlsplit(url)
    host = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    return f"{parts.scheme}://{host}{parts.path}"


def drop_expired(feature_set: FeatureSet, given: Redis, expired: int) -> None:
    """Takes windows that are no longer kept, and entities without any other, out of service."""
    _for_all(feature_set, given, expired, lambda writer, key: [])


def empty_others(feature_set: FeatureSet, given: Redis, expired: int, version: int) -> None:
    """Takes the rows out of every window that has none as new as `version`: their table was truncated."""

    def emptied(writer: OnlineWriter, key: str) -> list[str]:
        older = [window for window, stored in writer.versions(key) if stored < f"{version:020d}"]
        return [part for window in older for part in (window, f"{version:020d}", "")]

    _for_all(feature_set, given, expired, emptied)


def _for_all(
    feature_set: FeatureSet, given: Redis, expired: int, change: Callable[[OnlineWriter, str], list[str]]
) -> None:
    writer = OnlineWriter(given, expired)
    try:
        writer.write((key, change(writer, key)) for key in writer.companions(feature_set))
        writer.flush()
    finally:
        writer.close()
