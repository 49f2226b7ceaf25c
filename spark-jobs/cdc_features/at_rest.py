"""A run that has nothing to read, without Spark: starting that would take longer than all there is to do.

The stores are made right as of now as refresh.py does it, from a history that fits into memory. Whatever else there may
be to do is left to a run with Spark.
"""

from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from cdc_features.checkpoint import Checkpoint
from cdc_features.dead_letters import DeadLetters
from cdc_features.feature_set import FeatureSet
from cdc_features.features import row_schema
from cdc_features.files import local_path
from cdc_features.offline import OfflineStore
from cdc_features.refresh import refresh_windows
from cdc_features.report import Report
from cdc_features.settings import Settings
from cdc_features.sinks import Target, write_here
from cdc_features.windows import Flags

_MOST_BYTES = 64 << 20
_WRITTEN_ROWS = 10_000


def refresh(feature_set: FeatureSet, settings: Settings) -> Report | None:
    """What was written, or None where this is for Spark: a set as of now, a large history, stores elsewhere, or what
    an earlier run did not get to: records to set aside, a real-time batch to store."""
    places = (settings.checkpoint, settings.offline_root, settings.dead_letters)
    if feature_set.as_of_now or any(local_path(place) is None for place in places):
        return None
    checkpoint = Checkpoint(None, settings.checkpoint)
    checkpoint.check()
    last = checkpoint.last_committed()
    if last is None or not DeadLetters(None, feature_set, settings).has_passed(last):
        return None
    store = OfflineStore(None, settings.offline_root, feature_set)
    if settings.mode == "realtime" and not store.has(last):
        return None
    files = [str(file) for file in Path(store.location).glob("*.parquet")]
    if sum(Path(file).stat().st_size for file in files) > _MOST_BYTES:
        return None
    store.prepare()

    def serve(target: Target) -> Report:
        rows = served(feature_set, files, target.expired)
        return write_here(rows.to_batches(_WRITTEN_ROWS), feature_set, target)

    in_step = checkpoint.are_stores_in_step(settings.sink)
    return refresh_windows(feature_set, store, settings, last, datetime.now(timezone.utc), serve, in_step=in_step)


def served(feature_set: FeatureSet, files: list[str], expired: int) -> pa.Table:
    """The newest row of each kept window, and of each entity's newest one, in order: as `refresh._served` has them."""
    history = ds.dataset(files, schema=row_schema(feature_set)).to_table()
    entity = list(feature_set.entity)
    order = [*entity, "window_start", "batch_id", "created_timestamp"]
    history = history.take(pc.sort_indices(history, [(name, "ascending") for name in order]))
    newest = history.filter(pa.array(_ends(history, [*entity, "window_start"])))
    starts = newest.column("window_start").cast(pa.int64()).to_numpy() // 1_000_000
    return newest.filter(pa.array((starts > expired) | _ends(newest, entity)))


def _ends(rows: pa.Table, keys: list[str]) -> Flags:
    """Whether a row is the last one of its keys; rows are in their order."""
    ends = np.zeros(rows.num_rows, np.bool_)
    ends[-1:] = True
    for key in keys:
        values = rows.column(key).combine_chunks()
        ends[:-1] |= pc.not_equal(values[:-1], values[1:]).to_numpy(zero_copy_only=False)
    return ends
