"""The job is killed (SIGKILL) at each point between its writes, and the next run makes it good."""

import base64
import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from test_job import NOVEMBER

from chain import Chain, summary
from conftest import event, order

pytestmark = pytest.mark.spark

POINTS = [
    "before the pass",
    "in the pass",
    "between the stores",
    "between the file and its manifest",
    "between the stores and Spark's commit",
    "before the refresh",
]


def test_a_job_whose_jvm_is_killed_ends(chain: Chain, redis_url: str) -> None:
    chain.log.produce(event("c", None, order(1, 5, 1000, NOVEMBER), 1))
    script = str(Path(__file__).with_name("crash.py"))
    command = [sys.executable, script, str(chain.folder), redis_url, "in the pass, Spark's JVM"]
    assert subprocess.run(command, capture_output=True, check=False, timeout=300).returncode == 1


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_is_made_good(chain: Chain, online: redis.Redis, redis_url: str, point: str) -> None:
    rng = random.Random(point)
    log = [event("c", None, order(n, rng.randint(1, 40), rng.randint(1, 9999), NOVEMBER), n) for n in range(1, 201)]
    chain.log.produce(*log[:100])
    chain.run()
    chain.log.produce(*log[100:])
    crashed = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("crash.py")), str(chain.folder), redis_url, point],
        capture_output=True,
        check=False,
    )
    assert crashed.returncode == -signal.SIGKILL, crashed.stderr.decode()[-2000:]
    versions = {name: online.hget(name, "_version") for name in online.scan_iter("customer:*")}
    assert set(versions.values()) <= {f"{1:020d}", f"{2:020d}"}
    read = summary(chain.run())["read"]
    # Up to Spark's commit the batch is read again.
    assert read == (0 if point == "before the refresh" else 100)

    expected: dict[int, list[int]] = {}
    for text in log:
        row = order_of(text)
        expected.setdefault(row[0], []).append(row[1])
    stored = {
        int(name.split(":")[1]): (online.hget(name, "order_count_30d"), online.hget(name, "total_spend_30d"))
        for name in online.scan_iter("customer:*")
    }
    assert stored == {c: (str(len(cents)), f"{sum(cents) / 100:.2f}") for c, cents in expected.items()}
    assert all(online.hget(name, "_version") >= version for name, version in versions.items() if version)
    rows = chain.history()
    assert len({(row["customer_id"], row["batch_id"]) for row in rows}) == len(rows)
    newest = {row["customer_id"]: row for row in sorted(rows, key=lambda row: row["batch_id"])}
    assert {c: (str(row["order_count_30d"]), str(row["total_spend_30d"])) for c, row in newest.items()} == stored
    assert not list(Path(chain.store.location).rglob("*.tmp"))
    assert not list(Path(chain.store.location, "_staging").glob("*"))


def order_of(text: str) -> tuple[int, int]:
    """Customer and cents of an insert."""
    row = json.loads(text)["after"]
    return row["customer_id"], int.from_bytes(base64.b64decode(row["total_amount"]), "big", signed=True)
