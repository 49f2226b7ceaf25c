"""The online store against a real server: compare-and-write, expiry, versions, errors."""

import json
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
import redis

import customer_features
from cdc_features.features import row_schema
from cdc_features.online import Call, OnlineStoreError, OnlineWriter, changes, drop_expired, expired_start, iso, text
from cdc_features.settings import Redis

KEY, WINDOWS = "customer:5:features", "{customer:5:features}:windows"
DAY = 86_400


Write = Callable[..., None]


@pytest.fixture
def write(redis_url: str, online: redis.Redis) -> Write:
    """Writes changes with a writer of their own."""

    def write_all(*calls: Call, expired: int = 0, as_of: int = 0) -> None:
        writer = OnlineWriter(Redis(redis_url), expired, as_of)
        writer.write(calls)
        writer.flush()
        writer.close()

    return write_all


def change(start: int, version: int, *, key: str = KEY, **fields: str) -> Call:
    payload = json.dumps([part for item in fields.items() for part in item]) if fields else ""
    return key, [f"{start:012d}", f"{version:020d}", payload]


def test_a_newer_version_replaces_the_whole_hash(write: Write, online: redis.Redis) -> None:
    write(change(DAY, 1, count="1", average="2.00"))
    write(change(DAY, 2, count="3"))
    assert online.hgetall(KEY) == {"count": "3", "_version": f"{2:020d}"}


def test_an_older_version_changes_nothing_and_the_same_writes_again(write: Write, online: redis.Redis) -> None:
    # Above 2^53, where Lua's numbers lose integers.
    version = 2**53 + 1
    write(change(DAY, version, count="new"))
    write(change(DAY, version - 1, count="old"))
    assert online.hget(KEY, "count") == "new"
    write(change(DAY, version, count="refreshed"))
    assert online.hget(KEY, "count") == "refreshed"


def test_an_older_change_that_is_right_as_of_later_replaces_the_values_and_keeps_the_version(
    write: Write, online: redis.Redis
) -> None:
    write(change(DAY, 12, count="1", age="3"))
    write(change(DAY, 9, count="1", age="4"), as_of=12)
    assert online.hgetall(KEY) == {"count": "1", "age": "4", "_version": f"{12:020d}"}
    write(change(DAY, 9, count="1", age="5"), as_of=11)
    assert online.hget(KEY, "age") == "4"


def test_the_latest_window_is_shown_whatever_comes_last(write: Write, online: redis.Redis) -> None:
    write(change(3 * DAY, 1, count="late"), change(2 * DAY, 9, count="early"))
    assert online.hgetall(KEY) == {"count": "late", "_version": f"{1:020d}"}


def test_an_emptied_window_gives_way_to_the_one_before(write: Write, online: redis.Redis) -> None:
    write(change(2 * DAY, 1, count="before"), change(3 * DAY, 1, count="last"), change(3 * DAY, 2))
    assert online.hget(KEY, "count") == "before"
    write(change(2 * DAY, 3))
    assert not online.exists(KEY)
    write(change(3 * DAY, 1, count="replayed"))
    assert not online.exists(KEY)


def test_windows_no_longer_kept_are_dropped(write: Write, online: redis.Redis) -> None:
    write(change(2 * DAY, 1, count="1"), change(3 * DAY, 1, count="2"))
    write(change(3 * DAY, 2), expired=2 * DAY)
    assert online.hkeys(WINDOWS) == [f"{3 * DAY:012d}"]
    assert not online.exists(KEY)
    write(change(3 * DAY, 3, count="3"), expired=3 * DAY)
    assert online.keys("*") == []


def test_all_windows_of_an_entity_are_written_in_one_step(write: Write, online: redis.Redis) -> None:
    write(change(3 * DAY, 1, count="last"))
    with online.monitor() as monitor:
        # The entity is the last one of a call: its second window would be in the next.
        before = (change(DAY, 2, key=f"customer:{n}:features", count="1") for n in range(100, 119))
        after = change(DAY, 2, key="customer:6:features", count="1")
        write(*before, change(3 * DAY, 2), change(2 * DAY, 2, count="moved"), after)
        online.ping()
        calls = []
        for command in monitor.listen():
            if command["command"] == "PING":
                break
            calls += [command["command"]] if command["command"].startswith("EVALSHA") else []
    assert len(calls) == 2
    assert [WINDOWS in call for call in calls] == [True, False]
    assert online.hget(KEY, "count") == "moved"


def test_what_is_no_longer_kept_can_be_dropped_without_a_change(
    write: Write, redis_url: str, online: redis.Redis
) -> None:
    write(change(DAY, 1, count="old"), change(3 * DAY, 1, key="customer:6:features", count="kept"))
    drop_expired(customer_features.FEATURE_SET, Redis(redis_url), 2 * DAY)
    assert sorted(online.keys("*")) == ["customer:6:features", "{customer:6:features}:windows"]


def test_a_window_ends_when_the_watermark_reaches_its_end() -> None:
    feature_set = customer_features.FEATURE_SET  # windows of 30 days
    watermark_ms = 50 * DAY * 1000
    assert expired_start(feature_set, watermark_ms) == 20 * DAY
    assert expired_start(feature_set, watermark_ms - 1) == 20 * DAY - 1


def test_forgotten_scripts_are_loaded_again(write: Write, online: redis.Redis) -> None:
    online.script_flush()
    write(*(change(DAY, n, key=f"customer:{n}:features", count=str(n)) for n in range(1, 2501)))
    assert online.hget("customer:2500:features", "count") == "2500"
    assert len(online.keys("*")) == 5000


def test_entities_that_share_a_call_are_written_but_for_those_that_cannot_be(write: Write, online: redis.Redis) -> None:
    online.set("{customer:30:features}:windows", "not a hash")
    changes = [change(n * DAY, 1, key=f"customer:{n}:features", count=str(n)) for n in range(1, 61)]
    changes += [change(61 * DAY, 1, key="customer:60:features", count="newer")]
    with pytest.raises(OnlineStoreError, match=r"refused to write customer:30:features: .*WRONGTYPE"):
        write(*changes)
    written = {n: online.hget(f"customer:{n}:features", "count") for n in range(1, 61)}
    assert written == {**{n: str(n) for n in range(1, 61)}, 30: None, 60: "newer"}


def test_a_refused_write_names_address_key_and_reason(write: Write, online: redis.Redis) -> None:
    online.set(WINDOWS, "not a hash")
    with pytest.raises(
        OnlineStoreError, match=r"redis://127.0.0.1:\d+/0 refused to write customer:5:features: .*WRONGTYPE"
    ):
        write(change(DAY, 1, count="1"))


def test_an_unreachable_server_is_named_without_its_password() -> None:
    with pytest.raises(OnlineStoreError, match=r"redis://127\.0\.0\.1:1/0 cannot be used") as error:
        OnlineWriter(Redis("redis://user:secret@127.0.0.1:1/0"), 0)
    assert "secret" not in str(error.value)


def test_values_are_texts_with_exactly_their_digits() -> None:
    assert [text(v) for v in (Decimal("123.40"), Decimal("0E-18"), 5, True, False)] == [
        "123.40",
        "0.000000000000000000",
        "5",
        "true",
        "false",
    ]


def test_times_are_iso_in_utc_with_a_fraction_only_when_there_is_one() -> None:
    assert iso(0) == "1970-01-01T00:00:00Z"
    assert iso(1_500_000) == "1970-01-01T00:00:01.500000Z"
    assert iso(-1) == "1969-12-31T23:59:59.999999Z"


def test_finished_rows_become_calls() -> None:
    now = datetime(2026, 11, 23, 1, 2, 3, tzinfo=timezone.utc)
    row: dict[str, Any] = {
        "customer_id": 5,
        "window_start": datetime(2026, 11, 3, tzinfo=timezone.utc),
        "window_end": datetime(2026, 12, 3, tzinfo=timezone.utc),
        "order_count_30d": 1,
        "total_spend_30d": Decimal("123.40"),
        "avg_order_value_30d": None,
        "days_since_last_order": 3,
        "is_high_value": False,
        "event_timestamp": datetime(2026, 11, 20, 0, 0, 0, 1, timezone.utc),
        "created_timestamp": now,
        "batch_id": 77,
        "is_deleted": False,
    }
    gone = {**dict.fromkeys(row), "customer_id": 6, "batch_id": 77, "is_deleted": True}
    gone |= {name: row[name] for name in ("window_start", "window_end", "created_timestamp")}
    batch = pa.RecordBatch.from_pylist([row, gone], schema=row_schema(customer_features.FEATURE_SET))
    first, second = changes(customer_features.FEATURE_SET, batch)
    assert first[0] == KEY
    assert first[1][:2] == ["001793664000", "00000000000000000077"]
    fields = json.loads(first[1][2])
    assert dict(zip(fields[::2], fields[1::2], strict=True)) == {
        "order_count_30d": "1",
        "total_spend_30d": "123.40",
        "days_since_last_order": "3",
        "is_high_value": "false",
        "_window_start": "2026-11-03T00:00:00Z",
        "_window_end": "2026-12-03T00:00:00Z",
        "_event_time": "2026-11-20T00:00:00.000001Z",
        "_computed_at": "2026-11-23T01:02:03Z",
    }
    assert second == ("customer:6:features", ["001793664000", "00000000000000000077", ""])
