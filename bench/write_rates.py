"""How fast a job's own writers are: finished rows of the customer set to Redis, and to a Parquet file, each alone.

    python bench/write_rates.py SETTINGS.json

Settings: `rows`, `seed`, `redis` (a URL; its database is emptied), `folder`, and `writers`, numbers of processes side
by side, as a batch has tasks. Prints one line of JSON: a list of measurements, each with `store`, `what`, `writers`,
`rows`, `bytes`, `seconds`. Bytes are those of the calls' keys and arguments (Redis), and of the file (Parquet).
"""

import json
import multiprocessing
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import redis

import customer_features
from cdc_features.checkpoint import Batch
from cdc_features.features import row_schema
from cdc_features.offline import OfflineStore, StagedPart
from cdc_features.online import OnlineWriter, changes
from cdc_features.settings import Redis

FEATURE_SET = customer_features.FEATURE_SET
_WINDOW_START, _WINDOW_SECONDS = 1_780_704_000, 2_592_000
# As Spark hands rows to Python.
_BATCH_ROWS = 10_000


def finished_rows(first: int, rows: int, seed: int, version: int) -> list[pa.RecordBatch]:
    """Rows of `rows` customers from `first` on, as a micro-batch with this version would write them."""
    random = np.random.default_rng([seed, first])
    made = []
    for begin in range(first, first + rows, _BATCH_ROWS):
        count = min(_BATCH_ROWS, first + rows - begin)
        orders = random.integers(1, 40, count)
        cents = random.integers(100, 2_000_000, count)
        ordered = _WINDOW_START + random.integers(0, _WINDOW_SECONDS, count)
        columns: dict[str, Any] = {
            "customer_id": np.arange(begin, begin + count),
            "window_start": np.full(count, _WINDOW_START * 1_000_000),
            "window_end": np.full(count, (_WINDOW_START + _WINDOW_SECONDS) * 1_000_000),
            "order_count_30d": orders,
            "total_spend_30d": [Decimal(int(c)).scaleb(-2) for c in cents],
            "avg_order_value_30d": [Decimal(int(c) // int(n)).scaleb(-2) for c, n in zip(cents, orders, strict=True)],
            "days_since_last_order": random.integers(0, 30, count),
            "is_high_value": cents > 100_000,
            "event_timestamp": ordered * 1_000_000,
            "created_timestamp": np.full(count, time.time_ns() // 1000),
            "batch_id": np.full(count, version),
            "is_deleted": np.full(count, False),
        }
        schema = row_schema(FEATURE_SET)
        arrays = [pa.array(columns[field.name]).cast(field.type) for field in schema]
        made.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return made


def to_redis(settings: dict[str, Any], first: int, rows: int, version: int, begin: float) -> tuple[float, float, int]:
    made = finished_rows(first, rows, settings["seed"], version)
    size = sum(len(key) + sum(map(len, change)) for batch in made for key, change in changes(FEATURE_SET, batch))
    writer = OnlineWriter(Redis(settings["redis"]), 0)
    started = _together(begin)
    for batch in made:
        writer.write(changes(FEATURE_SET, batch))
    writer.flush()
    ended = time.monotonic()
    writer.close()
    return started, ended, size


def to_part(settings: dict[str, Any], first: int, rows: int, version: int, begin: float) -> tuple[float, float, str]:
    made = finished_rows(first, rows, settings["seed"], version)
    staged = StagedPart(f"{settings['folder']}/staging", row_schema(FEATURE_SET))
    started = _together(begin)
    for batch in made:
        staged.write(batch)
    path = staged.close()
    assert path is not None
    return started, time.monotonic(), path


def _together(begin: float) -> float:
    """All begin at one time, after they have made their rows; one that is late begins at once."""
    time.sleep(max(0.0, begin - time.monotonic()))
    return time.monotonic()


def measure(settings: dict[str, Any], writers: int) -> list[dict[str, Any]]:
    share = settings["rows"] // writers
    rows = share * writers
    of_all = {"writers": writers, "rows": rows}
    results = []
    with ProcessPoolExecutor(writers, multiprocessing.get_context("spawn")) as pool:

        def run(work: Any, version: int) -> list[Any]:
            begin = time.monotonic() + 1 + share / 50_000
            tasks = [pool.submit(work, settings, 1 + i * share, share, version, begin) for i in range(writers)]
            return [task.result() for task in tasks]

        # Processes start, and modules are loaded.
        list(pool.map(finished_rows, [1] * writers, [100] * writers, [0] * writers, [1] * writers))
        redis.Redis.from_url(settings["redis"]).flushdb()
        for what, version in (("new keys", 1), ("keys that are there", 2)):
            told = run(to_redis, version)
            seconds = max(end for _, end, _ in told) - min(start for start, _, _ in told)
            size = sum(size for *_, size in told)
            results.append({"store": "redis", "what": what, **of_all, "bytes": size, "seconds": seconds})
        told = run(to_part, 1)
        seconds = max(end for _, end, _ in told) - min(start for start, _, _ in told)
        parts = [path for *_, path in told]
        size = sum(Path(part).stat().st_size for part in parts)
        results.append({"store": "parquet", "what": "parts of tasks", **of_all, "bytes": size, "seconds": seconds})
        store = OfflineStore(None, settings["folder"], FEATURE_SET)
        started = time.monotonic()
        store.commit(Batch(0, {}, {"orders": {"0": rows}}, 0), parts)
        seconds = time.monotonic() - started
        file = next(Path(store.location).glob("*.parquet"))
        size = file.stat().st_size
        results.append(
            {"store": "parquet", "what": "one file of the parts", **of_all, "bytes": size, "seconds": seconds}
        )
        shutil.rmtree(settings["folder"])
        redis.Redis.from_url(settings["redis"]).flushdb()
    return results


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(json.dumps([result for writers in given["writers"] for result in measure(given, writers)]))
