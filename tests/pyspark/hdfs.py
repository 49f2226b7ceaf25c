"""A real HDFS, a NameNode and a DataNode in a JVM of their own."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hadoop_servers import NotToBeHadError, class_path, java


@contextlib.contextmanager
def hdfs(folder: Path) -> Iterator[str]:
    """The URI of its root."""
    try:
        jars = class_path()
    except NotToBeHadError as error:
        pytest.skip(str(error))
    details = folder / "details.json"
    command = [java(), "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", jars]
    command += ["org.apache.hadoop.test.MiniDFSClusterManager", "-format", "-writeDetails", str(details)]
    command += ["-D", f"hdfs.minidfs.basedir={folder}/blocks", "-D", f"hadoop.tmp.dir={folder}/tmp"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        deadline = time.monotonic() + 180
        while not (details.exists() and details.read_text().endswith("}")):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log").read_text()[-2000:])
            time.sleep(0.2)
        yield f"hdfs://127.0.0.1:{json.loads(details.read_text())['namenode_port']}"
    finally:
        process.kill()
        process.wait(10)
