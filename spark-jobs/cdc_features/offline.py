"""The offline store: append-only Parquet history, exactly one file per micro-batch.

Tasks stage part files; the driver merges the reported ones row group by row group and puts the result in place
in one step, named by the batch's version. A replayed batch therefore replaces its own file. Beside the files
stands a manifest per batch in `_batches`, with checksum, offsets and watermark.
"""

import hashlib
import json
import posixpath
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from pyspark import SparkFiles
from pyspark.sql import SparkSession

from cdc_features.checkpoint import Batch
from cdc_features.feature_set import FeatureSet
from cdc_features.files import local_path, resolve

_CHUNK = 1 << 20
_LOCAL = pafs.LocalFileSystem()


class StagedPart:
    """A task's part file, created with its first rows: in the staging folder where that is a shared path, else in the
    executor's own folder, which goes with it, for `files.staged`. Its random name keeps retried tasks apart."""

    def __init__(self, staging: str, schema: pa.Schema) -> None:
        self._folder = local_path(staging) or str(Path(SparkFiles.getRootDirectory()).absolute())
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None
        self._path = posixpath.join(self._folder, f"{uuid.uuid4().hex}.parquet")

    def write(self, rows: pa.RecordBatch) -> None:
        if self._writer is None:
            Path(self._folder).mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._path, self._schema, filesystem=_LOCAL)
        self._writer.write_batch(rows)

    def close(self) -> str | None:
        """The part's path, None when there were no rows."""
        if self._writer is None:
            return None
        self._writer.close()
        return self._path

    def discard(self) -> None:
        """After a failure."""
        Path(self._path).unlink(missing_ok=True)


class OfflineStore:
    """The folder of one feature set under `root`, a shared path or a URI, which needs the session."""

    def __init__(self, spark: SparkSession | None, root: str, feature_set: FeatureSet) -> None:
        self._files, self.location = resolve(spark, f"{root.rstrip('/')}/{feature_set.name}_features")

    def staging(self, batch: Batch) -> str:
        """Where the tasks of a batch stage their parts; Spark's readers pass over names with an underscore."""
        return f"{self.location}/_staging/{_name(batch)}"

    def prepare(self) -> None:
        """Removes what a killed run has staged or begun, and attempts of tasks that outlived their batch; only one run
        of a feature set works at a time."""
        self._files.delete(f"{self.location}/_staging")
        for folder in (self.location, self._manifests, self.base_location, self.quarantine_location):
            self._files.delete_unfinished(folder)

    def base_staging(self, batch: Batch) -> str:
        """The same for the groups that a set as of now ages from."""
        return f"{self.staging(batch)}-base"

    def commit(self, batch: Batch, parts: Sequence[str], more: dict[str, Any] | None = None) -> None:
        """Merges the parts into the batch's file and writes its manifest (without rows only the manifest), which says
        `more`."""
        self._put(_name(batch), batch, parts, {"offsets": batch.ranges, **(more or {})})

    def commit_aged(self, last: Batch, created_micros: int, parts: Sequence[str]) -> None:
        """Rows that are right as of `last` and differ from those before only because time went by."""
        if parts:
            self._put(_aged_name(last, created_micros), last, parts, {"offsets": {}, "aged": True})

    def commit_backfill(self, end: Batch, created_micros: int, parts: Sequence[str], more: dict[str, Any]) -> None:
        """Rows of windows that were computed from history up to `end`, at a moment; the manifest says `more`, of what.
        Where nothing was written and nothing kept back, there is none."""
        if parts or more.get("quarantined"):
            self._put(_aged_name(end, created_micros), end, parts, {"offsets": {}, "aged": True, **more})

    def commit_base(self, batch: Batch, parts: Sequence[str]) -> None:
        """Puts the batch's groups in place, beside the history: `<folder>/_rows/<version>.parquet`."""
        if parts:
            self._merge(parts, f"{self.base_location}/{_name(batch)}.parquet")
            self._files.delete(posixpath.dirname(parts[0]))

    def held_staging(self, batch: Batch) -> str:
        """The same for rows that are kept from the stores."""
        return f"{self.staging(batch)}-held"

    def commit_held(self, batch: Batch, parts: Sequence[str], created_micros: int | None = None) -> None:
        """Puts rows of a batch, or of ageing at a moment, that are kept from the stores in place, beside the history:
        `<folder>/_quarantine/<version>.parquet`. Without any, what an earlier attempt has put there goes."""
        name = _name(batch) if created_micros is None else _aged_name(batch, created_micros)
        file = f"{self.quarantine_location}/{name}.parquet"
        if parts:
            self._merge(parts, file)
            self._files.delete(posixpath.dirname(parts[0]))
        elif created_micros is None:
            self._files.delete(file)

    def references(self) -> list[str]:
        """The texts that `write_reference` wrote, of every batch."""
        folder = f"{self.location}/_validation"
        return [self._files.read(f"{folder}/{name}") for name in self._files.names(folder) if name.endswith(".json")]

    def write_reference(self, version: int, text: str) -> None:
        """What outliers are measured by from this batch on."""
        self._files.write(f"{self.location}/_validation/{version:020d}.json", [text])

    def _put(self, name: str, batch: Batch, parts: Sequence[str], more: dict[str, Any]) -> None:
        file = f"{name}.parquet" if parts else None
        rows, size, checksum = self._merge(parts, f"{self.location}/{file}") if parts else (0, 0, None)
        manifest = {
            "batch_id": batch.version,
            "file": file,
            "rows": rows,
            "bytes": size,
            "sha256": checksum,
            "watermark_ms": batch.watermark_ms,
            **more,
        }
        self._files.write(f"{self._manifests}/{name}.json", [json.dumps(manifest)])
        if parts:
            # With parts that nobody reported: of attempts that failed, or were another's double.
            self._files.delete(posixpath.dirname(parts[0]))

    def discard(self, parts: Sequence[str]) -> None:
        """Removes staged parts that are not to be put in place."""
        for part in parts:
            self._files.delete(part)

    @property
    def base_location(self) -> str:
        return f"{self.location}/_rows"

    @property
    def quarantine_location(self) -> str:
        return f"{self.location}/_quarantine"

    def has_quarantine(self) -> bool:
        return self._has_files(self.quarantine_location)

    def has(self, batch: Batch) -> bool:
        """Whether the batch has been put in place."""
        return self._files.exists(f"{self._manifests}/{_name(batch)}.json")

    def has_base(self) -> bool:
        return self._has_files(self.base_location)

    def has_history(self) -> bool:
        """Whether any batch has put rows in place."""
        return self._has_files(self.location)

    @property
    def _manifests(self) -> str:
        return f"{self.location}/_batches"

    def _has_files(self, folder: str) -> bool:
        return any(name.endswith(".parquet") for name in self._files.names(folder))

    def _merge(self, parts: Sequence[str], target: str) -> tuple[int, int, str]:
        """Puts one file in place; its rows, its bytes and its SHA-256."""
        rows = 0
        with self._files.replacing(target) as merged:
            writer: pq.ParquetWriter | None = None
            for part in sorted(parts):
                with self._files.fetched(part) as local, pq.ParquetFile(local, filesystem=_LOCAL) as source:
                    writer = writer or pq.ParquetWriter(merged, source.schema_arrow, filesystem=_LOCAL)
                    rows += source.metadata.num_rows
                    for index in range(source.num_row_groups):
                        writer.write_table(source.read_row_group(index))
            assert writer is not None
            writer.close()
            return rows, *_digest(merged)


def _digest(path: str) -> tuple[int, str]:
    sha256, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
            size += len(chunk)
    return size, sha256.hexdigest()


def _aged_name(batch: Batch, created_micros: int) -> str:
    return f"{_name(batch)}-{created_micros:020d}"


def _name(batch: Batch) -> str:
    return f"{batch.version:020d}"
