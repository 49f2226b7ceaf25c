"""Files on a path that driver and executors share, or on any of Hadoop's file systems: one interface for both.

What is written is there whole, in the place of what was there, or not at all. Hadoop's are reached as Spark reaches
them for its checkpoint, with Spark's options and no other client.
"""

import contextlib
import posixpath
import re
import shutil
import tempfile
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession

from cdc_features import sql
from cdc_features.session import java

_UNFINISHED = ".tmp"
_COPY_BYTES = 1 << 20
_STAGE = "cdc_features_stage"


class Files(ABC):
    """Folders come into being with the first file in them."""

    @abstractmethod
    def exists(self, path: str) -> bool: ...

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """What is in a folder; nothing where there is none."""

    @abstractmethod
    def read(self, path: str) -> str:
        """A text; FileNotFoundError."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Removes a file, or a folder with all that is in it, where it is there."""

    @abstractmethod
    def replacing(self, path: str) -> contextlib.AbstractContextManager[str]:
        """A local file to fill, which then takes the place of `path` in one step."""

    @abstractmethod
    def fetched(self, path: str) -> contextlib.AbstractContextManager[str]:
        """A file as a local one, to be read."""

    def write(self, path: str, lines: Iterable[str]) -> None:
        with self.replacing(path) as unfinished, open(unfinished, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines)

    def delete_unfinished(self, folder: str) -> None:
        """Removes what a killed run has begun to write there."""
        for name in self.names(folder):
            if name.endswith(_UNFINISHED):
                self.delete(posixpath.join(folder, name))


class LocalFiles(Files):
    def exists(self, path: str) -> bool:
        return Path(path).exists()

    def names(self, folder: str) -> list[str]:
        try:
            return sorted(entry.name for entry in Path(folder).iterdir())
        except FileNotFoundError:
            return []

    def read(self, path: str) -> str:
        return Path(path).read_text(encoding="utf-8")

    def delete(self, path: str) -> None:
        if Path(path).is_dir():
            # An attempt of a task that was killed may still write there; the next run removes that.
            shutil.rmtree(path, ignore_errors=True)
        else:
            Path(path).unlink(missing_ok=True)

    @contextlib.contextmanager
    def replacing(self, path: str) -> Iterator[str]:
        folder, name = posixpath.split(path)
        Path(folder).mkdir(parents=True, exist_ok=True)
        # A name of its own, so that two writers never mix what they write.
        unfinished = posixpath.join(folder, f"_{name}.{uuid.uuid4().hex}{_UNFINISHED}")
        try:
            yield unfinished
            Path(unfinished).replace(path)
        finally:
            Path(unfinished).unlink(missing_ok=True)

    def fetched(self, path: str) -> contextlib.AbstractContextManager[str]:
        return contextlib.nullcontext(path)


class HadoopFiles(Files):
    """The file system of a URI. Spark's checkpoint manager puts files in place: by a rename, or as it is told to by
    `spark.sql.streaming.checkpointFileManagerClass`."""

    def __init__(self, spark: SparkSession, uri: str) -> None:
        jvm: Any = spark.sparkContext._jvm
        self._jvm = jvm
        configuration = _configuration(spark)
        self._files = self._path(uri).getFileSystem(configuration)
        managers = jvm.org.apache.spark.sql.execution.streaming.checkpointing.CheckpointFileManager
        self._manager = managers.create(self._path(uri), configuration)

    def exists(self, path: str) -> bool:
        return bool(self._manager.exists(self._path(path)))

    def names(self, folder: str) -> list[str]:
        if not self.exists(folder):
            return []
        return sorted(file.getPath().getName() for file in self._manager.list(self._path(folder)))

    def read(self, path: str) -> str:
        if not self.exists(path):
            raise FileNotFoundError(path)
        try:
            stream = self._manager.open(self._path(path))
        except Py4JJavaError as error:
            if error.java_exception.getClass().getName() == "java.io.FileNotFoundException":
                raise FileNotFoundError(path) from None
            raise
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()

    def delete(self, path: str) -> None:
        self._manager.delete(self._path(path))

    @contextlib.contextmanager
    def replacing(self, path: str) -> Iterator[str]:
        with tempfile.TemporaryDirectory(prefix="cdc-features-") as folder:
            unfinished = posixpath.join(folder, posixpath.basename(path))
            yield unfinished
            self._manager.mkdirs(self._path(posixpath.dirname(path)))
            source = self._jvm.java.io.FileInputStream(unfinished)
            try:
                target = self._manager.createAtomic(self._path(path), True)
                try:
                    self._jvm.org.apache.hadoop.io.IOUtils.copyBytes(source, target, _COPY_BYTES, False)
                except BaseException:
                    target.cancel()
                    raise
                target.close()
            finally:
                source.close()

    @contextlib.contextmanager
    def fetched(self, path: str) -> Iterator[str]:
        with tempfile.TemporaryDirectory(prefix="cdc-features-") as folder:
            local = posixpath.join(folder, posixpath.basename(path))
            self._files.copyToLocalFile(False, self._path(path), self._path(for_spark(local)), True)
            yield local

    def _path(self, uri: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(uri)


def resolve(spark: SparkSession | None, location: str) -> tuple[Files, str]:
    """The files of a location, and how they name it. Shared paths need no session."""
    path = local_path(location)
    if path is not None:
        return LocalFiles(), path
    assert spark is not None
    return HadoopFiles(spark, location), location


def local_path(location: str) -> str | None:
    """The path of a `file:` URI, which is taken as it is written, or of a plain path; None for other URIs."""
    if named := re.fullmatch(r"file:(?://(?:localhost)?)?(/.*)", location, re.DOTALL):
        return named[1]
    return None if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", location) else location


def for_spark(location: str) -> str:
    """A plain path as a URI, since Spark takes it for one of the cluster's default file system."""
    path = local_path(location)
    return location if path is None else f"file:{Path(path).absolute()}"


def staged(tasks: DataFrame, folders: dict[str, str | None]) -> DataFrame:
    """`tasks` with their files, which columns name, in the folder of each column. On shared paths they are already;
    others are moved there by the executor that has them on its disk."""
    remote = {column: folder for column, folder in folders.items() if folder and local_path(folder) is None}
    if not remote:
        return tasks
    spark = tasks.sparkSession
    session: Any = spark._jsparkSession
    session.udf().register(_STAGE, java(spark, "Stager").function(_configuration(spark)))
    return tasks.selectExpr(
        *(
            f"{_STAGE}({column}, {sql.text(remote[column])}) AS {column}" if column in remote else column
            for column in tasks.columns
        )
    )


def _configuration(spark: SparkSession) -> Any:
    session: Any = spark._jsparkSession
    return session.sessionState().newHadoopConf()
