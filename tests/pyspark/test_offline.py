"""The offline store: one file per batch, whatever happens to the tasks; no Spark."""

import hashlib
import json
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import customer_features
from cdc_features.checkpoint import Batch
from cdc_features.features import row_schema
from cdc_features.offline import OfflineStore, StagedPart

FEATURE_SET = customer_features.FEATURE_SET
SCHEMA = row_schema(FEATURE_SET)
BATCH = Batch(3, {"t": {"0": 10, "1": 5}}, {"t": {"0": 12, "1": 9, "2": 1}}, 1000)
NAME = "00000000000000000022"


@pytest.fixture
def store(tmp_path: Path) -> OfflineStore:
    return OfflineStore(None, str(tmp_path), FEATURE_SET)


def rows(*customers: int) -> pa.RecordBatch:
    moment = datetime(2026, 11, 3, tzinfo=timezone.utc)
    return pa.RecordBatch.from_pylist(
        [{"customer_id": c, "window_start": moment, "batch_id": BATCH.version, "is_deleted": False} for c in customers],
        schema=SCHEMA,
    )


def stage(store: OfflineStore, *batches: pa.RecordBatch) -> str | None:
    part = StagedPart(store.staging(BATCH), SCHEMA)
    for batch in batches:
        part.write(batch)
    return part.close()


def visible(tmp_path: Path) -> list[str]:
    return sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())


def test_parts_become_one_file_with_a_manifest(store: OfflineStore, tmp_path: Path) -> None:
    parts = [stage(store, rows(1, 2), rows(3)), stage(store, rows(4)), stage(store)]
    store.commit(BATCH, [part for part in parts if part])
    assert visible(tmp_path) == [f"customer_features/{NAME}.parquet", f"customer_features/_batches/{NAME}.json"]
    path = tmp_path / "customer_features" / f"{NAME}.parquet"
    assert sorted(pq.read_table(path).column("customer_id").to_pylist()) == [1, 2, 3, 4]
    assert pq.read_schema(path).equals(SCHEMA)
    manifest = json.loads((tmp_path / f"customer_features/_batches/{NAME}.json").read_text())
    assert manifest == {
        "batch_id": 22,
        "file": f"{NAME}.parquet",
        "rows": 4,
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "offsets": {"0": [10, 12], "1": [5, 9], "2": [0, 1]},
        "watermark_ms": 1000,
    }


def test_a_part_nobody_reported_is_not_merged(store: OfflineStore, tmp_path: Path) -> None:
    stage(store, rows(99))
    reported = stage(store, rows(1))
    assert reported
    store.commit(BATCH, [reported])
    table = pq.read_table(tmp_path / "customer_features" / f"{NAME}.parquet")
    assert table.column("customer_id").to_pylist() == [1]


def test_a_replayed_batch_replaces_its_own_file(store: OfflineStore, tmp_path: Path) -> None:
    for _ in range(2):
        part = stage(store, rows(1, 2))
        assert part
        store.commit(BATCH, [part])
    assert visible(tmp_path) == [f"customer_features/{NAME}.parquet", f"customer_features/_batches/{NAME}.json"]
    assert pq.read_table(tmp_path / "customer_features" / f"{NAME}.parquet").num_rows == 2


def test_a_batch_without_rows_has_only_a_manifest(store: OfflineStore, tmp_path: Path) -> None:
    assert not store.has_history()
    store.commit(BATCH, [])
    assert visible(tmp_path) == [f"customer_features/_batches/{NAME}.json"]
    manifest = json.loads((tmp_path / f"customer_features/_batches/{NAME}.json").read_text())
    assert (manifest["file"], manifest["rows"], manifest["sha256"]) == (None, 0, None)
    assert not store.has_history()


def test_what_a_killed_run_staged_is_removed(store: OfflineStore, tmp_path: Path) -> None:
    stage(store, rows(1))
    store.prepare()
    store.prepare()
    assert visible(tmp_path) == []
