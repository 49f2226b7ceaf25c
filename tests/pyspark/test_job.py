"""A job end to end on local stores, with a file source in Kafka's place: batches, replay, refresh, stop, failure."""

import itertools
import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import redis
from pyspark.sql import SparkSession

import customer_features
from cdc_features import at_rest, batch_writer, job
from cdc_features.checkpoint import Batch, CheckpointDamagedError
from cdc_features.feature_set import Aggregated, RollingWindow
from cdc_features.features import micros
from cdc_features.golden import FileCheckpoint
from cdc_features.online import OnlineStoreError, iso
from cdc_features.refresh import refresh
from cdc_features.settings import Redis, read_settings

from chain import Chain, NoDeadLetters, summary
from conftest import event, order

pytestmark = pytest.mark.spark

FEATURE_SET = customer_features.FEATURE_SET
NOVEMBER, OCTOBER, LATER = "2026-11-20T10:00:00Z", "2026-10-01T00:00:00Z", "2027-01-20T00:00:00Z"


def key(customer: int) -> str:
    return f"customer:{customer}:features"


@pytest.mark.parametrize("few_records", [0, 2000], ids=["by tasks", "by the driver"])
def test_runs_follow_each_other_and_write_both_stores(
    chain: Chain, online: redis.Redis, monkeypatch: pytest.MonkeyPatch, few_records: int
) -> None:
    monkeypatch.setattr(batch_writer, "_FEW_RECORDS", few_records)
    chain.log.produce(
        event("c", None, order(1, 5, 1000, NOVEMBER), 1), event("c", None, order(2, 6, 100100, NOVEMBER), 2), None, "x"
    )
    events = chain.run()
    expected = {"read": 4, "applied": 2, "duplicates": 0, "late": 0, "dead_letters": 1, "ignored": 1}
    assert expected.items() <= summary(events).items()
    assert (summary(events)["entities_written"], summary(events)["batches"]) == (2, 1)
    assert [e["event"] for e in events] == ["progress", "table", "finished"]
    assert {row["customer_id"]: row["total_spend_30d"] for row in events[1]["rows"]} == {5: "10.00", 6: "1001.00"}
    stored = online.hgetall(key(6))
    assert (stored["total_spend_30d"], stored["is_high_value"], stored["_version"]) == ("1001.00", "true", f"{1:020d}")

    moved = event("u", order(1, 5, 1000, NOVEMBER), order(1, 6, 1000, NOVEMBER), 3)
    chain.log.produce(moved)
    assert summary(chain.run())["entities_written"] == 2
    assert not online.exists(key(5))
    assert online.hget(key(6), "total_spend_30d") == "1011.00"
    written = sorted((r["batch_id"], r["customer_id"], r["is_deleted"]) for r in chain.history())
    assert written == [(1, 5, False), (1, 6, False), (2, 5, True), (2, 6, False)]


def test_a_run_without_new_data_says_so_and_still_refreshes(chain: Chain, online: redis.Redis) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    chain.run()
    chain.log.produce(event("c", None, order(2, 5, 250, NOVEMBER), 2))
    chain.run()
    before = online.hgetall(key(5))
    online.flushall()
    events = chain.run()
    assert (summary(events)["read"], summary(events)["batches"]) == (0, 0)
    after = online.hgetall(key(5))
    assert {k: v for k, v in after.items() if k != "_computed_at"} == {
        k: v for k, v in before.items() if k != "_computed_at"
    }
    assert len(chain.history()) == 2


def test_the_refresh_leaves_out_only_what_the_run_has_just_written(chain: Chain, online: redis.Redis) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    chain.run()
    online.flushall()
    chain.log.produce(event("c", None, order(2, 6, 250, NOVEMBER), 2))
    chain.run()
    assert online.hget(key(5), "total_spend_30d") == "10.00"
    (written,) = (row["created_timestamp"] for row in chain.history() if row["customer_id"] == 6)
    assert online.hget(key(6), "_computed_at") == iso(micros(written))


def test_an_empty_log_is_fine(chain: Chain, online: redis.Redis) -> None:
    assert summary(chain.run())["read"] == 0
    assert online.keys("*") == []


def test_a_replayed_batch_changes_nothing(chain: Chain, spark: SparkSession, online: redis.Redis) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    chain.run()
    chain.log.produce(event("c", None, order(2, 5, 250, NOVEMBER), 2))
    chain.run()
    # As after a crash before the commit: the newest batch with data and all after it run again.
    checkpoint = FileCheckpoint(spark, chain.settings.checkpoint)
    newest = checkpoint.committed_since({"t": {"0": 1}})[-1].id
    for file in (Path(chain.settings.checkpoint) / "commits").iterdir():
        if int(file.name.strip(".").removesuffix(".crc")) >= newest:
            file.unlink()
    chain.run()
    assert online.hget(key(5), "order_count_30d") == "2"
    assert sorted((r["batch_id"], r["order_count_30d"]) for r in chain.history()) == [(1, 1), (2, 2)]


def test_the_watermark_takes_windows_out_of_service(chain: Chain, online: redis.Redis) -> None:
    # A window that ended on 4 October is kept for 30 days, and an hour of watermark.
    last_moment, end = "2026-11-03T00:59:59.999Z", "2026-11-03T01:00:00Z"
    chain.log.produce(event("c", None, order(1, 5, 1000, OCTOBER), 1), event("c", None, order(2, 6, 1, last_moment), 2))
    chain.run()
    assert online.hget(key(5), "total_spend_30d") == "10.00"
    chain.log.produce(event("c", None, order(3, 6, 1, end), 3))
    chain.run()
    assert not online.exists(key(5), "{customer:5:features}:windows")
    assert online.hget(key(6), "order_count_30d") == "2"


def test_windows_that_end_with_the_very_batch_that_wrote_them_are_not_served(chain: Chain, online: redis.Redis) -> None:
    end = "2026-11-03T01:00:00Z"
    old = [event("c", None, order(number, customer, 1000, OCTOBER), number) for number, customer in ((1, 5), (2, 6))]
    chain.log.produce(*old, event("c", None, order(3, 6, 1, end), 3))
    chain.run()
    assert not online.exists(key(5), "{customer:5:features}:windows")
    assert online.hget(key(6), "order_count_30d") == "1"
    assert online.hlen("{customer:6:features}:windows") == 1


def test_a_refresh_ages_what_depends_on_now_and_never_goes_back(
    chain: Chain, spark: SparkSession, online: redis.Redis
) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1), event("c", None, order(2, 6, 1, NOVEMBER), 2))
    chain.run()
    newer = {"days_since_last_order": "0", "_version": f"{9:020d}"}
    online.hset(
        "{customer:6:features}:windows", "001793664000", f"{9:020d}|" + json.dumps(["days_since_last_order", "0"])
    )
    now = datetime(2026, 11, 30, 0, 0, 1, tzinfo=timezone.utc)
    last = Batch(1, {}, {"t": {"0": 2}}, 0)
    report = refresh(spark, FEATURE_SET, chain.store, chain.settings, last, now)
    assert report.entities == 2
    assert online.hget(key(5), "days_since_last_order") == "10"
    assert online.hget(key(5), "_computed_at") == "2026-11-30T00:00:01Z"
    assert online.hgetall(key(6)) == newer


def test_a_refresh_ages_what_redis_was_given_alone(chain: Chain, spark: SparkSession, online: redis.Redis) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    chain.run()
    # A run into Redis alone read the whole log as one batch that ended at 2.
    windows = "{customer:5:features}:windows"
    (field, stored), *_ = online.hgetall(windows).items()
    online.hset(windows, field, f"{2:020d}{stored[20:]}")
    now = datetime(2026, 11, 30, 0, 0, 1, tzinfo=timezone.utc)
    last = Batch(0, {}, {"t": {"0": 2}}, 0)
    refresh(spark, FEATURE_SET, chain.store, chain.settings, last, now)
    assert online.hget(key(5), "days_since_last_order") != "10"
    refresh(spark, FEATURE_SET, chain.store, chain.settings, Batch(0, {}, {"t": {"0": 1}}, 0), now, in_step=False)
    assert online.hget(key(5), "days_since_last_order") != "10"
    refresh(spark, FEATURE_SET, chain.store, chain.settings, last, now, in_step=False)
    assert online.hmget(key(5), "days_since_last_order", "_version") == ["10", f"{2:020d}"]


@pytest.mark.parametrize(("other", "customers"), [("redis", "1"), ("parquet", "1"), ("console", "7"), ("dual", "7")])
def test_a_checkpoint_of_another_sink_tells_that_redis_may_be_ahead(
    chain: Chain, online: redis.Redis, other: str, customers: str
) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    chain.run()
    # As a run into Redis alone would have left it, which has read more.
    windows = "{customer:5:features}:windows"
    (field, stored), *_ = online.hgetall(windows).items()
    ahead = f"{2:020d}{stored[20:]}".replace('"order_count_30d","1"', '"order_count_30d","7"')
    online.hset(windows, field, ahead)
    chain.log.produce(event("c", None, order(2, 6, 250, NOVEMBER), 2))
    Path(chain.settings.checkpoint).with_name(other).mkdir()
    chain.run()
    assert online.hmget(key(5), "order_count_30d", "_version") == [customers, f"{2:020d}"]


def test_a_refresh_leaves_a_batch_that_is_being_written_alone(
    chain: Chain, spark: SparkSession, online: redis.Redis
) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    chain.run()
    chain.log.produce(event("c", None, order(2, 5, 250, NOVEMBER), 2))
    chain.run()
    # As in the middle of the second batch: Redis has it, its file and its commit are not there.
    (Path(chain.store.location) / f"{2:020d}.parquet").unlink()
    for file in (Path(chain.settings.checkpoint) / "commits").iterdir():
        if file.name.strip(".").removesuffix(".crc") != "0":
            file.unlink()
    last = FileCheckpoint(spark, chain.settings.checkpoint).last_committed()
    assert last is not None
    assert last.version == 1
    for in_step in (True, False):
        refresh(spark, FEATURE_SET, chain.store, chain.settings, last, datetime.now(timezone.utc), in_step=in_step)
        assert online.hmget(key(5), "order_count_30d", "_version") == ["2", f"{2:020d}"]


@pytest.mark.parametrize(("sink", "files", "keys"), [("redis", 0, 1), ("parquet", 1, 0), ("console", 0, 0)])
def test_a_sink_writes_only_itself(chain: Chain, online: redis.Redis, sink: str, files: int, keys: int) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    events = chain.run(sink=sink)
    assert len(list(Path(chain.store.location).glob("*.parquet"))) == files
    assert len(online.keys("customer:*")) == keys
    tables = [e for e in events if e["event"] == "table"]
    assert [row["avg_order_value_30d"] for table in tables for row in table["rows"]] == ["10.00"]


def test_a_failed_store_fails_the_run_with_the_python_cause(chain: Chain) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    with pytest.raises(Exception, match="cannot be used") as error:
        chain.run(redis=Redis("redis://127.0.0.1:1/0"))
    cause = job.describe(error.value)
    assert cause["type"] == OnlineStoreError.__name__
    assert cause["message"].startswith("Redis at redis://127.0.0.1:1/0 cannot be used: Error 111")
    assert chain.history() == []
    assert summary(chain.run())["applied"] == 1


def test_a_continuous_run_ends_with_the_stop_file(chain: Chain, online: redis.Redis) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))

    def live() -> None:
        _until(lambda: online.exists(key(5)) == 1)
        chain.log.produce(event("c", None, order(2, 5, 250, NOVEMBER), 2))
        _until(lambda: online.hget(key(5), "order_count_30d") == "2")
        Path(chain.settings.stop_file).touch()

    thread = threading.Thread(target=live)
    thread.start()
    events = chain.run(continuous=True)
    thread.join()
    assert online.hget(key(5), "order_count_30d") == "2"
    assert (summary(events)["read"], summary(events)["batches"]) == (2, 2)
    Path(chain.settings.stop_file).unlink()
    assert summary(chain.run())["read"] == 0


def test_a_run_ends_when_another_has_begun_and_that_one_goes_on(chain: Chain, online: redis.Redis) -> None:
    """As a driver in a cluster whose command has gone."""
    stop = Path(chain.settings.stop_file)
    stop.write_text("first\n")
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))

    def live() -> None:
        _until(lambda: online.exists(key(5)) == 1)
        time.sleep(1)
        chain.log.produce(event("c", None, order(2, 5, 250, NOVEMBER), 2))
        _until(lambda: online.hget(key(5), "order_count_30d") == "2")
        stop.write_text("second")

    thread = threading.Thread(target=live)
    thread.start()
    with pytest.raises(job.SupersededError, match=r"another run of customer has begun \(second\): this one \(first\)"):
        chain.run(continuous=True)
    thread.join()
    chain.log.produce(event("c", None, order(3, 5, 250, NOVEMBER), 3))
    # It also ends before it has begun, and touches nothing of the other's.
    staged = Path(chain.store.location, "_staging", "of-the-other")
    staged.mkdir(parents=True)
    with pytest.raises(job.SupersededError):
        chain.run()
    assert staged.exists()
    assert summary(chain.run(run_id="second"))["read"] == 1
    assert online.hget(key(5), "order_count_30d") == "3"


def test_a_run_that_is_superseded_at_its_end_leaves_the_stores_alone(
    chain: Chain, online: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow = job.Job._follow

    def then_another_begins(self: job.Job, *arguments: Any) -> None:
        follow(self, *arguments)
        online.flushall()
        Path(chain.settings.stop_file).write_text("second")

    monkeypatch.setattr(job.Job, "_follow", then_another_begins)
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    with pytest.raises(job.SupersededError):
        chain.run()
    assert online.keys("*") == []


@pytest.fixture
def refreshes(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    seen: list[object] = []

    def counted(*arguments: Any, **options: Any) -> object:
        seen.append(arguments)
        return refresh(*arguments, **options)

    monkeypatch.setattr(job, "refresh", counted)
    return seen


def test_a_run_that_is_told_to_end_does_so_without_a_refresh(chain: Chain, refreshes: list[object]) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    assert not summary(chain.run())["stopped"]
    assert not summary(chain.run())["stopped"]
    assert len(refreshes) == 1
    chain.log.produce(event("c", None, order(2, 5, 1000, NOVEMBER), 2))
    Path(chain.settings.stop_file).touch()
    assert summary(chain.run())["stopped"]
    assert len(refreshes) == 1


def test_what_a_first_run_has_just_written_is_refreshed_only_where_that_may_not_be_all(
    chain: Chain, online: redis.Redis, refreshes: list[object]
) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    chain.run()
    assert refreshes == []
    assert online.exists(key(5))

    # Redis was written alone before, and may be ahead of what a first run writes.
    alone = chain.folder / "of both" / "redis"
    alone.mkdir(parents=True)
    beside = {name: str(alone.with_name(name)) for name in ("offline_root", "dead_letters")}
    chain.run(**beside, checkpoint=str(alone.with_name("dual")))
    assert len(refreshes) == 1

    chain.log.produce(event("c", None, order(2, 6, 1000, OCTOBER), 2))
    anew = {name: str(chain.folder / "anew" / name) for name in ("checkpoint", "offline_root", "dead_letters")}
    chain.run(**anew)
    assert len(refreshes) == 2
    assert [online.exists(key(customer)) for customer in (5, 6)] == [1, 0]


def test_a_busy_continuous_run_ends_after_its_batch_and_the_next_one_goes_on(chain: Chain, online: redis.Redis) -> None:
    ended, produced = threading.Event(), 0

    def live() -> None:
        nonlocal produced
        while not ended.wait(0.02):
            produced += 1
            chain.log.produce(event("c", None, order(produced, 5, 100, NOVEMBER), produced))
            if produced > 20 and online.exists(key(5)):
                Path(chain.settings.stop_file).touch()

    thread = threading.Thread(target=live)
    thread.start()
    first = chain.run(continuous=True, trigger_interval="0 seconds")
    ended.set()
    thread.join()
    assert online.hget(key(5), "order_count_30d") == str(summary(first)["read"])
    Path(chain.settings.stop_file).unlink()
    assert summary(first)["read"] + summary(chain.run())["read"] == produced
    assert online.hget(key(5), "order_count_30d") == str(produced)


def test_the_checkpoint_tells_what_was_committed_also_when_it_forgot_the_batches_before(
    chain: Chain, spark: SparkSession
) -> None:
    spark.conf.set("spark.sql.streaming.minBatchesToRetain", "2")
    try:
        for number in range(1, 7):
            chain.log.produce(event("c", None, order(number, 5, 100, NOVEMBER), number))
            chain.run()
    finally:
        spark.conf.unset("spark.sql.streaming.minBatchesToRetain")
    checkpoint = FileCheckpoint(spark, chain.settings.checkpoint)
    assert min(int(f.name) for f in Path(chain.settings.checkpoint, "offsets").iterdir() if f.name.isdigit()) > 0
    batches = checkpoint.committed_since({"golden": {"0": 1}})
    assert (batches[0].start, batches[-1].end) == ({"golden": {"0": 1}}, {"golden": {"0": 6}})
    assert all(a.end == b.start for a, b in itertools.pairwise(batches))
    assert checkpoint.committed_since({"golden": {"0": 6}}) == []


def test_a_run_into_redis_alone_takes_expired_windows_out_of_service(chain: Chain, online: redis.Redis) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, OCTOBER), 1), event("c", None, order(2, 6, 1, LATER), 2))
    chain.run(sink="redis")
    assert sorted(online.keys("*")) == [key(6), "{customer:6:features}:windows"]


def test_with_nothing_to_read_redis_is_made_right_without_spark(
    chain: Chain, online: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AllPassed(NoDeadLetters):
        def has_passed(self, batch: Batch) -> bool:
            return True

    monkeypatch.setattr(at_rest, "Checkpoint", FileCheckpoint)
    monkeypatch.setattr(at_rest, "DeadLetters", AllPassed)

    def stored() -> dict[str, list[str]]:
        return {
            key: online.hmget(key, "order_count_30d", "total_spend_30d", "_version") for key in online.keys("cust*")
        }

    chain.log.produce(*(event("c", None, order(n, customer, 100 * n, NOVEMBER), n) for n, customer in [(1, 5), (2, 6)]))
    chain.run()
    chain.log.produce(event("c", None, order(3, 5, 50, NOVEMBER), 3))
    chain.run()
    before = stored()
    assert {name: values[:2] for name, values in before.items()} == {key(5): ["2", "1.50"], key(6): ["1", "2.00"]}
    online.delete(key(5), "{customer:5:features}:windows")
    online.hset(key(6), "order_count_30d", "7")
    report = at_rest.refresh(FEATURE_SET, chain.settings)
    assert (report and report.entities) == 2
    assert stored() == before
    # A real-time batch that was committed and not stored is for Spark, and so is a large history.
    assert chain.store.has(FileCheckpoint(None, chain.settings.checkpoint).last_committed())  # type: ignore[arg-type]
    chain.store._files.delete(f"{chain.store.location}/_batches")
    assert at_rest.refresh(FEATURE_SET, replace(chain.settings, mode="realtime")) is None
    monkeypatch.setattr(at_rest, "_MOST_BYTES", 10)
    assert at_rest.refresh(FEATURE_SET, chain.settings) is None


def test_duplicates_are_told_from_what_is_applied(chain: Chain, online: redis.Redis) -> None:
    first, second = (event("c", None, order(n, 5, 100, NOVEMBER), n) for n in (1, 2))
    moved = event("u", order(1, 5, 100, NOVEMBER), order(1, 6, 100, NOVEMBER), 3)
    chain.log.produce(first, second)
    counts = summary(chain.run())
    assert (counts["applied"], counts["duplicates"]) == (2, 0)
    # The move is one record, though it touches two windows; its copy is one, too.
    chain.log.produce(second, moved, moved, second)
    counts = summary(chain.run())
    assert (counts["read"], counts["applied"], counts["duplicates"]) == (4, 1, 3)
    assert (online.hget(key(5), "order_count_30d"), online.hget(key(6), "order_count_30d")) == ("1", "1")


@pytest.mark.parametrize("sink", ["dual", "redis", "parquet"])
def test_a_truncated_table_has_only_the_rows_that_came_after(chain: Chain, online: redis.Redis, sink: str) -> None:
    truncated = event("t", None, None, 10)
    chain.log.produce(*(event("c", None, order(n, n, 100, NOVEMBER), n) for n in (1, 2, 3)))
    chain.run(sink=sink)
    # Of the batch's own rows one was before, one after; customer 3 is touched by no record of the batch.
    new = event("c", None, order(4, 1, 700, NOVEMBER), 11)
    chain.log.produce(
        new, truncated, event("c", None, order(5, 2, 1, NOVEMBER), 9), event("c", None, order(6, 4, 1, NOVEMBER), 8)
    )
    counts = summary(chain.run(sink=sink))
    assert (counts["applied"], counts["duplicates"]) == (4, 0)
    if sink != "parquet":
        assert sorted(online.keys("customer:*")) == [key(1)]
        assert online.hmget(key(1), "order_count_30d", "total_spend_30d") == ["1", "7.00"]
    if sink != "redis":
        newest = {row["customer_id"]: row for row in sorted(chain.history(), key=lambda row: row["batch_id"])}
        assert {customer: row["is_deleted"] for customer, row in newest.items()} == {
            1: False,
            2: True,
            3: True,
            4: True,
        }
    # It stays truncated for later batches, and a copy of the truncate takes nothing back that is newer.
    chain.log.produce(
        event("c", None, order(7, 3, 300, NOVEMBER), 12), truncated, event("c", None, order(1, 1, 100, NOVEMBER), 1)
    )
    assert summary(chain.run(sink=sink))["duplicates"] == 2
    if sink != "parquet":
        assert sorted(online.keys("customer:*")) == [key(1), key(3)]
        assert online.hget(key(1), "order_count_30d") == "1"


@pytest.mark.parametrize("sink", ["dual", "redis", "parquet"])
def test_a_set_as_of_now_ages_without_events(chain: Chain, spark: SparkSession, online: redis.Redis, sink: str) -> None:
    hour, week = RollingWindow("1 hour", "5 minutes", "hour"), RollingWindow("7 days", "1 hour", "week")
    features = [Aggregated("n_hour", "count", window="hour"), Aggregated("spent", "sum", "total_amount", window="week")]
    chain.use(replace(FEATURE_SET, windows=[hour, week], features=features))
    now = datetime.now(timezone.utc)
    ago = {minutes: (now - timedelta(minutes=minutes)).isoformat() for minutes in (10, 90)}
    chain.log.produce(event("c", None, order(1, 5, 100, ago[10]), 1), event("c", None, order(2, 6, 200, ago[90]), 2))
    chain.run(sink=sink)
    settings = replace(chain.settings, sink=sink)  # type: ignore[arg-type]
    last = FileCheckpoint(spark, settings.checkpoint).last_committed()
    assert last is not None

    def newest() -> dict[int, tuple[Any, ...]]:
        rows = sorted(chain.history(), key=lambda row: (row["batch_id"], row["created_timestamp"]))
        return {row["customer_id"]: (row["n_hour"], str(row["spent"]), row["is_deleted"]) for row in rows}

    def aged(by: timedelta) -> None:
        refresh(spark, chain.feature_set, chain.store, settings, last, now + by)

    if sink != "redis":
        assert newest() == {5: (1, "1.00", False), 6: (0, "2.00", False)}
    aged(timedelta(hours=2))
    if sink != "parquet":
        assert online.hmget(key(5), "n_hour", "spent", "_version") == ["0", "1.00", f"{1:020d}"]
        assert online.hmget(key(6), "n_hour", "spent") == ["0", "2.00"]
    if sink != "redis":
        # Customer 6 is as it was, so it gets no row.
        assert newest() == {5: (0, "1.00", False), 6: (0, "2.00", False)}
        assert len(chain.history()) == 3
    aged(timedelta(days=8))
    assert online.keys("customer:*") == []
    if sink != "redis":
        assert newest() == {5: (None, "None", True), 6: (None, "None", True)}


def test_a_row_of_the_far_future_counts_and_drags_no_other_along(chain: Chain, online: redis.Redis) -> None:
    chain.log.produce(event("c", None, order(1, 5, 100, "2090-01-01T00:00:00Z"), 1))
    chain.run()
    chain.log.produce(event("c", None, order(2, 6, 100, LATER), 2))
    assert summary(chain.run())["late"] == 0
    assert sorted(online.keys("customer:*")) == [key(5), key(6)]


def test_snapshots_do_not_move_the_watermark(chain: Chain, online: redis.Redis) -> None:
    chain.log.produce(event("r", None, order(1, 5, 100, LATER), 1))
    chain.run()
    chain.log.produce(event("r", None, order(2, 6, 100, OCTOBER), 2))
    assert summary(chain.run())["late"] == 0
    chain.log.produce(event("c", None, order(3, 5, 100, LATER), 3))
    chain.run()
    assert sorted(online.keys("customer:*")) == [key(5)]


def test_too_many_dead_letters_end_the_run(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "_FEW_DEAD_LETTERS", 2)
    good = [event("c", None, order(n, 5, 100, NOVEMBER), n) for n in range(1, 13)]
    chain.log.produce(*good, "x", "x", "x")
    assert summary(chain.run())["dead_letters"] == 3
    chain.log.produce("x", "x", "x", event("c", None, order(20, 5, 100, NOVEMBER), 20))
    with pytest.raises(job.TooManyDeadLettersError, match=r"3 of 4 records are dead letters.*max_share of 0.2"):
        chain.run()
    # What was good has been applied, and the next run goes on behind the garbage.
    assert chain.history()[-1]["order_count_30d"] == 13
    assert summary(chain.run())["read"] == 0


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("metadata", None, "metadata is missing"),
        ("offsets/0", "", "offsets/0 is cut off"),
        ("offsets/0", "v1\n{", "offsets/0 is cut off"),
        ("commits/1", "v1\n{", "commits/1 is cut off"),
    ],
)
def test_a_damaged_checkpoint_is_refused(chain: Chain, file: str, content: str | None, problem: str) -> None:
    chain.log.produce(event("c", None, order(1, 5, 100, NOVEMBER), 1))
    chain.run()
    path = Path(chain.settings.checkpoint, file)
    path.with_name(f".{path.name}.crc").unlink()
    path.unlink()
    if content is not None:
        path.write_text(content)
    chain.log.produce(event("c", None, order(2, 5, 100, NOVEMBER), 2))
    with pytest.raises(CheckpointDamagedError, match=f"{problem}.*--rebuild"):
        chain.run()


def _until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.1)


def test_settings_name_what_is_wrong(tmp_path: Path, chain: Chain) -> None:
    path = tmp_path / "settings.json"
    good = asdict(chain.settings)
    path.write_text(json.dumps(good))
    assert read_settings(str(path)) == chain.settings
    for broken, message in [
        ({k: v for k, v in good.items() if k != "kafka"}, "missing settings: kafka"),
        ({**good, "extra": 1}, "unknown settings: extra"),
        ({**good, "sink": "tape"}, 'sink is "tape"'),
    ]:
        path.write_text(json.dumps(broken))
        with pytest.raises(ValueError, match=message):
            read_settings(str(path))
