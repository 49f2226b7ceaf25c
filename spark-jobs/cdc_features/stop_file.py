"""The file by which a run in progress is told to end."""

import time

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from cdc_features.files import LocalFiles, resolve
from cdc_features.settings import Settings

_REMOTE_POLL_SECONDS = 2.0


class StopFile:
    """Names the one run that may go on, by its `run_id`; an empty file stops every run, and none stops none."""

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        self._files, self._path = resolve(spark, settings.stop_file)
        self._run_id = settings.run_id
        # Elsewhere than on a shared path every look costs a request.
        self._pause = 0.0 if isinstance(self._files, LocalFiles) else _REMOTE_POLL_SECONDS
        self._next = 0.0
        self._before: str | None = None

    def says_stop(self) -> bool:
        """For a loop: the file has said the same twice, so that it was not read while it was written."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self._pause
        before, self._before = self._before, self._named()
        return self._before is not None and self._before == before

    def successor(self) -> str | None:
        """The other run that may go on in the place of this one."""
        return self._named() or None

    def _named(self) -> str | None:
        """None where this run may go on."""
        try:
            named = self._files.read(self._path).strip()
        except (OSError, UnicodeDecodeError, Py4JError):
            # It has gone since it was seen, is not whole yet, or was replaced by another machine (on NFS).
            return None
        return None if named == self._run_id else named
