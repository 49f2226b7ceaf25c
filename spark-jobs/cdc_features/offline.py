"""The offline store: append-only Parquet history, exactly one file per micro-batch.

Tasks stage part files; the driver merges the reported ones row group by row group and puts the result in place
with one rename, named by the batch's version. A replayed batch therefore replaces its own file. Beside the files
stands a manifest per batch in `_batches`, with checksum, offsets and watermark.
"""

import hashlib
import json
import posixpath
import uuid
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from cdc_features.checkpoint import Batch
from cdc_features.feature_set import FeatureSet

_CHUNK = 1 << 20


class StagedPart:
    """A task's part file, created with its first rows. Its random name keeps retried tasks apart."""

    def __init__(self, staging: str, schema: pa.Schema) -> None:
        self._files, folder = pafs.FileSystem.from_uri(staging)
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None
        self._path = posixpath.join(folder, f"{uuid.uuid4().hex}.parquet")

    def write(self, rows: pa.RecordBatch) -> None:
        if self._writer is None:
            self._files.create_dir(posixpath.dirname(self._path))
            self._writer = pq.ParquetWriter(self._path, self._schema, filesystem=self._files)
        self._writer.write_batch(rows)

    def close(self) -> str | None:
        """The part's path for `OfflineStore.commit`, None when there were no rows."""
        if self._writer is None:
            return None
        self._writer.close()
        return self._path


class OfflineStore:
    """The folder of one feature set under `root`, a path or URI that driver and executors share."""

    def __init__(self, root: str, feature_set: FeatureSet) -> None:
        self.location = f"{root.rstrip('/')}/{feature_set.name}_features"
        self._files, self._folder = pafs.FileSystem.from_uri(self.location)

    def staging(self, batch: Batch) -> str:
        """Where the tasks of a batch stage their parts; Spark's readers pass over names with an underscore."""
        return f"{self.location}/_staging/{_name(batch)}"

    def prepare(self) -> None:
        """Removes what a killed run has staged; only one run of a feature set works at a time."""
        staging = posixpath.join(self._folder, "_staging")
        if self._exists(staging):
            self._files.delete_dir(staging)

    def base_staging(self, batch: Batch) -> str:
        """The same for the groups that a set as of now ages from."""
        return f"{self.staging(batch)}-base"

    def commit(self, batch: Batch, parts: Sequence[str]) -> None:
        """Merges the parts into the batch's file and writes its manifest (without rows only the manifest)."""
        self._put(_name(batch), batch, parts, {"offsets": batch.ranges})

    def commit_aged(self, last: Batch, created_micros: int, parts: Sequence[str]) -> None:
        """Rows that are right as of `last` and differ from those before only because time went by."""
        if parts:
            self._put(f"{_name(last)}-{created_micros:020d}", last, parts, {"offsets": {}, "aged": True})

    def commit_base(self, batch: Batch, parts: Sequence[str]) -> None:
        """Puts the batch's groups in place, beside the history: `<folder>/_rows/<version>.parquet`."""
        if parts:
            folder = posixpath.join(self._folder, "_rows")
            self._files.create_dir(folder)
            merged = self._merge(parts)[0]
            self._files.move(merged, posixpath.join(folder, f"{_name(batch)}.parquet"))
            self._files.delete_dir(posixpath.dirname(parts[0]))

    def _put(self, name: str, batch: Batch, parts: Sequence[str], more: dict[str, Any]) -> None:
        manifests = posixpath.join(self._folder, "_batches")
        self._files.create_dir(manifests)
        rows, size, checksum = 0, 0, None
        if parts:
            merged, rows = self._merge(parts)
            size, checksum = self._digest(merged)
            self._files.move(merged, posixpath.join(self._folder, f"{name}.parquet"))
        manifest = {
            "batch_id": batch.version,
            "file": f"{name}.parquet" if parts else None,
            "rows": rows,
            "bytes": size,
            "sha256": checksum,
            "watermark_ms": batch.watermark_ms,
            **more,
        }
        self._write_atomically(posixpath.join(manifests, f"{name}.json"), json.dumps(manifest) + "\n")
        if parts:
            self._files.delete_dir(posixpath.dirname(parts[0]))

    def discard(self, parts: Sequence[str]) -> None:
        """Removes staged parts that are not to be put in place."""
        for part in parts:
            self._files.delete_file(part)

    @property
    def base_location(self) -> str:
        return f"{self.location}/_rows"

    def has_base(self) -> bool:
        return self._has_files(posixpath.join(self._folder, "_rows"))

    def has_history(self) -> bool:
        """Whether any batch has put rows in place."""
        return self._has_files(self._folder)

    def _has_files(self, folder: str) -> bool:
        if not self._exists(folder):
            return False
        return any(f.base_name.endswith(".parquet") for f in self._files.get_file_info(pafs.FileSelector(folder)))

    def _merge(self, parts: Sequence[str]) -> tuple[str, int]:
        """One file beside the parts, and its number of rows."""
        merged, rows = posixpath.join(posixpath.dirname(parts[0]), "merged.parquet"), 0
        schema = pq.read_schema(parts[0], filesystem=self._files)
        with pq.ParquetWriter(merged, schema, filesystem=self._files) as writer:
            for part in sorted(parts):
                with pq.ParquetFile(part, filesystem=self._files) as source:
                    rows += source.metadata.num_rows
                    for index in range(source.num_row_groups):
                        writer.write_table(source.read_row_group(index))
        return merged, rows

    def _digest(self, path: str) -> tuple[int, str]:
        sha256, size = hashlib.sha256(), 0
        with self._files.open_input_stream(path) as stream:
            while chunk := stream.read(_CHUNK):
                sha256.update(chunk)
                size += len(chunk)
        return size, sha256.hexdigest()

    def _write_atomically(self, path: str, text: str) -> None:
        unfinished = posixpath.join(posixpath.dirname(path), f"_{posixpath.basename(path)}.tmp")
        with self._files.open_output_stream(unfinished) as stream:
            stream.write(text.encode())
        self._files.move(unfinished, path)

    def _exists(self, path: str) -> bool:
        return bool(self._files.get_file_info(path).type != pafs.FileType.NotFound)


def _name(batch: Batch) -> str:
    return f"{batch.version:020d}"
