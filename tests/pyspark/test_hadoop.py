"""A whole job whose stores, checkpoint, stop file and report are on HDFS, and on executors of their own."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import redis
from hdfs import hdfs
from pyspark.sql import SparkSession
from test_job import NOVEMBER, _until, key

from cdc_features import job
from cdc_features.checkpoint import Batch
from cdc_features.dead_letters import DeadLetters
from cdc_features.files import HadoopFiles, for_spark, local_path
from cdc_features.golden import FileCheckpoint
from cdc_features.plan import OtherPlanError, keep_plan

from chain import Chain, summary
from conftest import event, order

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with hdfs(tmp_path_factory.mktemp("hdfs")) as uri:
        yield uri


@pytest.fixture
def root(cluster: str, tmp_path: Path) -> str:
    return f"{cluster}/{tmp_path.name}"


def places(root: str) -> dict[str, Any]:
    return {
        "offline_root": f"{root}/offline",
        "checkpoint": f"{root}/state/checkpoint",
        "dead_letters": f"{root}/dead",
        "stop_file": f"{root}/stop",
    }


def history(spark: SparkSession, root: str) -> list[tuple[int, ...]]:
    """Batch, customer and count of each row; every file is whole and as its manifest says."""
    files, folder = HadoopFiles(spark, root), f"{root}/offline/customer_features"
    rows: list[tuple[int, ...]] = []
    for name in files.names(folder):
        if not name.endswith(".parquet"):
            assert name in ("_batches", "_staging"), name
            continue
        with files.fetched(f"{folder}/{name}") as local:
            manifest = json.loads(files.read(f"{folder}/_batches/{name.removesuffix('.parquet')}.json"))
            assert manifest["bytes"] == Path(local).stat().st_size
            rows += [
                (row["batch_id"], row["customer_id"], row["order_count_30d"])
                for row in pq.read_table(local).to_pylist()
            ]
    assert files.names(f"{folder}/_staging") == []
    return sorted(rows)


def test_a_job_lives_on_hdfs(
    chain: Chain,
    spark: SparkSession,
    online: redis.Redis,
    root: str,
) -> None:
    files = HadoopFiles(spark, root)
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1), event("c", None, order(2, 6, 1, NOVEMBER), 2))
    chain.run(**places(root), plan={"features": 1})
    assert json.loads(files.read(f"{root}/state/plan.json")) == {"features": 1}
    chain.log.produce(event("c", None, order(3, 5, 250, NOVEMBER), 3))
    # What a killed run and an attempt of a task that outlived its batch have left behind.
    folder = f"{root}/offline/customer_features"
    files.write(f"{folder}/_staging/{1:020d}/part.parquet", ["half"])
    files.write(f"{folder}/.x.parquet.tmp", ["half"])
    chain.run(**places(root), plan={"features": 1})
    assert history(spark, root) == [(1, 5, 1), (1, 6, 1), (2, 5, 2)]
    # The newest batch runs again, as after a crash before the commit; the refresh brings back what Redis has lost.
    online.flushall()
    checkpoint = FileCheckpoint(spark, f"{root}/state/checkpoint")
    newest = checkpoint.committed_since({"t": {"0": 1}})[-1].id
    for name in files.names(f"{root}/state/checkpoint/commits"):
        if int(name) >= newest:
            files.delete(f"{root}/state/checkpoint/commits/{name}")
    chain.run(**places(root))
    assert history(spark, root) == [(1, 5, 1), (1, 6, 1), (2, 5, 2)]
    assert [online.hget(key(customer), "order_count_30d") for customer in (5, 6)] == ["2", "1"]
    with pytest.raises(OtherPlanError, match="differ in features, more"):
        chain.run(**places(root), plan={"features": 2, "more": None})


def test_a_truncate_is_remembered_on_hdfs(chain: Chain, spark: SparkSession, online: redis.Redis, root: str) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    chain.run(**places(root))
    chain.log.produce(event("t", None, None, 10), event("c", None, order(2, 6, 1, NOVEMBER), 11))
    chain.run(**places(root))
    assert not online.exists(key(5))
    assert online.hget(key(6), "order_count_30d") == "1"
    assert FileCheckpoint(spark, f"{root}/state/checkpoint").truncated()


def test_a_continuous_run_on_hdfs_ends_with_the_stop_file(
    chain: Chain,
    spark: SparkSession,
    online: redis.Redis,
    root: str,
) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))

    def live() -> None:
        _until(lambda: online.exists(key(5)) == 1)
        HadoopFiles(spark, root).write(f"{root}/stop", [])

    thread = threading.Thread(target=live)
    thread.start()
    events = chain.run(continuous=True, **places(root))
    thread.join()
    assert summary(events)["read"] == 1


def test_dead_letters_are_set_aside_on_hdfs(
    chain: Chain,
    spark: SparkSession,
    root: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = type(chain.settings)(**{**vars(chain.settings), **places(root)})
    monkeypatch.setattr("cdc_features.dead_letters.records_of", chain.records_in_one_go)
    chain.log.produce("x", event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    letters = DeadLetters(spark, chain.feature_set, settings)
    batch = Batch(0, {}, {"t": {"0": 2}}, 0)
    for _ in range(2):
        letters.capture(batch)
        letters.passed(batch)
    files = HadoopFiles(spark, root)
    assert files.names(f"{root}/dead/customer") == [f"{2:020d}.jsonl", "_looked_through"]
    assert json.loads(files.read(f"{root}/dead/customer/{2:020d}.jsonl"))["value"] == "x"
    assert letters._marker() == {"t": {"0": 2}}


def test_a_report_tells_how_the_run_ended(
    chain: Chain,
    spark: SparkSession,
    root: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No secret is in it."""
    files = HadoopFiles(spark, root)
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    monkeypatch.setattr(job, "open_session", lambda *_: spark)
    monkeypatch.setattr(sys, "argv", ["job.py", str(tmp_path / "settings.json")])

    def run(**changed: Any) -> list[dict[str, Any]]:
        capsys.readouterr()
        given = asdict(chain.settings) | places(root) | {"report": f"{root}/report.json"} | changed
        (tmp_path / "settings.json").write_text(json.dumps(given))
        job.main(chain.feature_set, chain.build)
        told: list[dict[str, Any]] = json.loads(files.read(f"{root}/report.json"))
        return told

    told = run()
    assert [one["event"] for one in told] == ["started", "progress", "table", "finished"]
    assert told[0]["run_id"] == "first"
    chain.log.produce(event("c", None, order(2, 5, 1000, NOVEMBER), 2))
    with pytest.raises(SystemExit):
        run(redis={"url": "redis://me:s3cret@127.0.0.1:1/0", "nodes": [], "cluster": False, "ca": None})
    told = json.loads(files.read(f"{root}/report.json"))
    assert [one["event"] for one in told] == ["started", "write_failed", "failed"]
    assert "redis://127.0.0.1:1/0 cannot be used" in told[-1]["error"]["message"]
    assert "s3cret" not in json.dumps(told)
    # The report is another run's from when that has begun.
    files.write(f"{root}/stop", ["second"])
    with pytest.raises(SystemExit):
        run()
    assert json.loads(files.read(f"{root}/report.json")) == told
    (failed,) = (line for line in capsys.readouterr().out.splitlines() if '"failed"' in line)
    assert "another run of customer has begun (second)" in failed
    assert [one["event"] for one in run(run_id="second")] == ["started", "progress", "table", "finished"]


def test_executors_of_their_own_write_to_hdfs(
    chain: Chain,
    spark: SparkSession,
    online: redis.Redis,
    redis_url: str,
    root: str,
) -> None:
    """Two executors in JVMs of their own get the job's Python and Java; tasks are tried twice at once."""
    chain.log.produce(*(event("c", None, order(n, n % 50, 100, NOVEMBER), n) for n in range(1, 201)))
    script = str(Path(__file__).with_name("on_executors.py"))
    command = [sys.executable, script, str(chain.folder), redis_url, root]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "executors: 2" in done.stdout
    assert len(online.keys("customer:*")) == 50
    assert {count for _, _, count in history(spark, root)} == {4}


def test_every_file_system_but_the_shared_path_is_hadoops(
    spark: SparkSession, cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for location, path in [
        *[("/a b/c", "/a b/c"), ("file:/a%20b", "/a%20b"), ("file:///a", "/a"), ("file://localhost/a", "/a")],
        *[("hdfs://host:1/a", None), ("s3a://bucket/a", None), ("abfss://c@a.dfs/x", None), ("a/b:/c", "a/b:/c")],
    ]:
        assert local_path(location) == path
    assert for_spark("/a b/c") == "file:/a b/c"
    assert for_spark("s3a://bucket/a") == "s3a://bucket/a"
    files = HadoopFiles(spark, cluster)
    assert files.names(f"{cluster}/nothing") == []
    files.delete(f"{cluster}/nothing")
    with pytest.raises(FileNotFoundError):
        files.read(f"{cluster}/nothing")
    monkeypatch.setattr(files, "exists", lambda path: True)  # It goes between look and read.
    with pytest.raises(FileNotFoundError):
        files.read(f"{cluster}/nothing")
    monkeypatch.undo()
    files.write(f"{cluster}/x/y", ["ü"])
    with pytest.raises(ZeroDivisionError), files.replacing(f"{cluster}/x/y"):
        _ = 1 / 0
    assert files.read(f"{cluster}/x/y") == "ü\n"
    assert files.names(f"{cluster}/x") == ["y"]


def test_a_plan_is_kept_beside_the_checkpoint(spark: SparkSession, tmp_path: Path) -> None:
    checkpoint = f"file:{tmp_path}/checkpoint/"
    keep_plan(spark, checkpoint, {"a": {"b": [1]}, "c": 1})
    keep_plan(spark, checkpoint, {"c": 1.0, "a": {"b": [1]}})
    assert json.loads((tmp_path / "plan.json").read_text()) == {"a": {"b": [1]}, "c": 1}
    with pytest.raises(OtherPlanError, match=r"another definition: they differ in a, d\. .*--rebuild.*another name"):
        keep_plan(spark, checkpoint, {"a": {"b": [2]}, "c": 1, "d": None})
