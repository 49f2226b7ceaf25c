"""Windows of the past in one batch: beside a stream that knows them, before it, from the log and from files."""

import json
from pathlib import Path
from typing import Any

import pytest
import redis
from pyspark.sql import SparkSession

import customer_features
from cdc_features import backfill, job
from cdc_features.feature_set import FeatureSet, Source
from cdc_features.rules import Range
from cdc_features.settings import BackfillOrder

from chain import Chain, Events
from conftest import event, order

pytestmark = pytest.mark.spark

NOVEMBER = "2026-11-20T10:00:00Z"
# Its window of 30 days is from 4 September to 4 October.
SEPTEMBER = "2026-09-10T10:00:00Z"
PERIOD = {"from_ms": 0, "to_ms": 4_102_444_800_000}


def fill(chain: Chain, position: int, source: Any = "topic", **more: Any) -> dict[str, Any]:
    """As of a position in the log; what the job says of it."""
    place = {"path": None, "format": None} | {key: more.pop(key) for key in ("path", "format") if key in more}
    given = {**PERIOD, **{key: more.pop(key) for key in ("from_ms", "to_ms") if key in more}}
    asked = BackfillOrder(source=source, end={"t": {"0": position}}, **given, **place)
    settings = type(chain.settings)(**{**vars(chain.settings), "backfill": asked, **more})
    chain._capsys.readouterr()
    backfill.BackfillJob(chain._spark, chain.feature_set, settings, chain.build).run()
    lines = chain._capsys.readouterr().out.splitlines()
    events: Events = [json.loads(line.partition(" ")[2]) for line in lines if line.startswith("@cdc-features ")]
    return next(one for one in events if one["event"] == "backfilled")


@pytest.fixture
def log(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> Chain:
    """Its records in batch, as the topic would give them."""
    monkeypatch.setattr(backfill, "records_of", lambda spark, kafka, batch, **_: chain.records(from_the_start=True))
    return chain


def spend(online: redis.Redis, customer: int) -> Any:
    return online.hget(f"customer:{customer}:features", "total_spend_30d")


def test_what_the_stream_knows_is_left_as_it_is(log: Chain, online: redis.Redis) -> None:
    log.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1), event("c", None, order(2, 6, 100, SEPTEMBER), 2))
    log.run()
    before, history = online.hgetall("customer:5:features"), log.history()
    told = fill(log, 1)
    assert (told["windows"], told["written"]) == (2, 0)
    assert log.history() == history
    after = online.hgetall("customer:5:features")
    assert {**after, "_computed_at": ""} == {**before, "_computed_at": ""}


def test_it_comes_before_the_stream_and_the_stream_goes_on(log: Chain, online: redis.Redis) -> None:
    log.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    log.log.produce(event("c", None, order(2, 5, 200, NOVEMBER), 2))
    told = fill(log, 2)
    assert (told["windows"], told["written"], told["left"]) == (1, 1, 0)
    assert spend(online, 5) == "12.00"
    assert online.hget("customer:5:features", "_version") == f"{2:020d}"
    # The stream begins at the start; nothing goes back on the way.
    log.run()
    assert spend(online, 5) == "12.00"
    log.log.produce(event("u", order(2, 5, 200, NOVEMBER), order(2, 5, 300, NOVEMBER), 3))
    log.run()
    assert spend(online, 5) == "13.00"


def test_without_a_run_windows_are_final_by_the_rows_themselves(log: Chain, online: redis.Redis) -> None:
    october = "2026-11-04T00:00:00Z"  # 30 days and an hour after the end of September's window
    log.log.produce(event("c", None, order(1, 5, 1000, october), 1), event("c", None, order(2, 6, 100, SEPTEMBER), 2))
    assert fill(log, 1)["written"] == 2
    assert spend(online, 5) == "10.00"
    assert not online.exists("customer:6:features")
    assert len(log.history()) == 2


def test_what_redis_has_is_never_overwritten_by_something_older(log: Chain, online: redis.Redis) -> None:
    log.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    log.run()
    newer = {**online.hgetall("{customer:5:features}:windows")}
    (window, entry) = next(iter(newer.items()))
    online.hset("{customer:5:features}:windows", window, f"{9:020d}|" + entry[21:].replace("10.00", "99.00"))
    log.history()
    for file in Path(log.store.location).glob("*.parquet"):
        file.unlink()
    fill(log, 1)
    assert spend(online, 5) == "99.00"


def test_lost_history_is_made_up_for(log: Chain, online: redis.Redis) -> None:
    log.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    log.run()
    for file in Path(log.store.location).glob("*.parquet"):
        file.unlink()
    assert fill(log, 1)["written"] == 1
    (row,) = log.history()
    assert (row["customer_id"], row["batch_id"], str(row["total_spend_30d"])) == (5, 1, "10.00")
    (manifest,) = (json.loads(f.read_text()) for f in (Path(log.store.location) / "_batches").glob("*-*.json"))
    assert manifest["backfill"] == {**PERIOD, "source": "topic", "end": {"0": 1}}


def test_only_windows_that_begin_in_the_period(log: Chain, online: redis.Redis) -> None:
    log.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1), event("c", None, order(2, 6, 100, SEPTEMBER), 2))
    start = 1_788_480_000_000
    for given in ({"from_ms": start + 1}, {"to_ms": start}):
        told = fill(log, 1, **given)
        assert told["windows"] == (1 if "from_ms" in given else 0)
    assert fill(log, 1, from_ms=start, to_ms=start + 1)["windows"] == 1
    assert sorted(row["customer_id"] for row in log.history()) == [5, 6]


CSV = f"""order_id,customer_id,total_amount,created_at,remark
1,5,10.00,{NOVEMBER},a
2,6,1.5,2026-09-10 10:00:00,"b
c"
3,6,,{SEPTEMBER},
"""


def test_rows_of_a_file_count_as_those_of_a_snapshot(log: Chain, online: redis.Redis, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(CSV)
    told = fill(log, 0, "files", path=str(file), format="csv")
    assert (told["windows"], told["written"]) == (2, 2)
    assert spend(online, 5) == "10.00"
    # A window that is final by now, with a row without an amount.
    (past,) = (row for row in log.history() if row["customer_id"] == 6)
    assert (past["order_count_30d"], str(past["total_spend_30d"])) == (2, "1.50")


def test_a_window_that_the_stream_knows_stays_as_it_is_whatever_a_file_says(
    log: Chain, online: redis.Redis, tmp_path: Path
) -> None:
    log.log.produce(event("c", None, order(9, 5, 100, NOVEMBER), 1))
    log.run()
    file = tmp_path / "orders.csv"
    file.write_text(CSV)
    told = fill(log, 1, "files", path=str(file), format="csv")
    assert (told["windows"], told["left"], told["written"]) == (2, 1, 1)
    assert spend(online, 5) == "1.00"


@pytest.mark.parametrize("encoding", ["auto", "precise", "text"])
def test_a_table_in_text_counts_whatever_its_events_look_like(
    log: Chain, online: redis.Redis, tmp_path: Path, encoding: Any
) -> None:
    file = tmp_path / "rows.json"
    amounts = ["10.00", "-1.28", "0.00", None]
    rows = [
        {"order_id": str(n), "customer_id": str(n), "total_amount": amount, "created_at": "2026-11-20T10:00:00.000001Z"}
        for n, amount in enumerate(amounts, 1)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    log.use(with_encoding(encoding))
    assert fill(log, 0, "table", path=str(file), format="json")["written"] == 4
    assert [spend(online, n) for n in (1, 2, 3, 4)] == ["10.00", "-1.28", "0.00", None]
    assert online.hget("customer:1:features", "_event_time") == "2026-11-20T10:00:00.000001Z"


def with_encoding(encoding: Any) -> FeatureSet:
    from dataclasses import replace

    given = customer_features.FEATURE_SET
    columns = [
        replace(column, encoding=encoding) if column.name == "total_amount" else column
        for column in given.source.columns
    ]
    source: Source = replace(given.source, columns=columns)
    return replace(given, source=source)


def test_bad_rows_are_told_and_nothing_is_written(log: Chain, online: redis.Redis, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(CSV + f"4,7,12x,{NOVEMBER},\n")
    with pytest.raises(backfill.UnreadableRowsError, match=r"1 rows of the files cannot be read.*12x"):
        fill(log, 0, "files", path=str(file), format="csv")
    file.write_text("order_id,customer_id\n1,2\n")
    with pytest.raises(ValueError, match="has no column total_amount, created_at"):
        fill(log, 0, "files", path=str(file), format="csv")
    assert (online.keys("*"), log.history()) == ([], [])


def test_rules_hold_for_the_past_too(log: Chain, online: redis.Redis) -> None:
    from dataclasses import replace

    positive = Range("positive", "total_spend_30d", min="0", severity="quarantine")
    log.feature_set = replace(log.feature_set, validation=[positive])
    log.log.produce(event("c", None, order(1, 5, -1000, NOVEMBER), 1), event("c", None, order(2, 6, 1, NOVEMBER), 2))
    assert fill(log, 1)["written"] == 1
    assert not online.exists("customer:5:features")
    assert log.store.has_quarantine()
    # One that is as it was stays there; and what was kept back is told also where nothing else came of it.
    assert fill(log, 2)["quarantined"] == 0
    log.log.produce(event("c", None, order(3, 7, -1, NOVEMBER), 3))
    manifests = Path(log.store.location) / "_batches"
    before = set(manifests.glob("*.json"))
    told = fill(log, 3)
    assert (told["written"], told["quarantined"]) == (0, 1)
    (manifest,) = (json.loads(file.read_text()) for file in set(manifests.glob("*.json")) - before)
    assert (manifest["file"], manifest["quarantined"], manifest["violations"]) == (None, 1, {"positive": 1})


def test_an_unknown_truncate_is_for_a_run_first(log: Chain) -> None:
    log.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1), event("t", None, None, 2))
    with pytest.raises(backfill.TruncatedError, match=r"public\.orders was truncated"):
        fill(log, 1)


def test_so_is_a_second_one(log: Chain, online: redis.Redis) -> None:
    log.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1), event("t", None, None, 2))
    log.run()
    fill(log, 2)
    log.log.produce(event("c", None, order(2, 6, 1000, NOVEMBER), 3), event("t", None, None, 4))
    with pytest.raises(backfill.TruncatedError, match=r"public\.orders was truncated"):
        fill(log, 4)
    log.run()
    assert fill(log, 4)["windows"] == 0


def test_a_job_with_an_order_is_a_backfill(spark: SparkSession) -> None:
    assert job._backfill() is backfill.BackfillJob
