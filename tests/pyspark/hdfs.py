"""A real HDFS, a NameNode and a DataNode in a JVM of their own. Its archive is fetched once by the Ivy that ships with
PySpark; everything else that it needs is PySpark's."""

import contextlib
import hashlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyspark
import pytest

_VERSION = "3.4.2"
_SHA256 = "ae2406c544825b7734b8aad4f87eff60d9ec422284f0b16c2856032083b63c77"
_JARS = Path(pyspark.__file__).parent / "jars"


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    return f"{home}/bin/java" if home else "java"


def _archive() -> Path:
    folder = Path(os.environ.get("CDC_FEATURES_CACHE") or Path.home() / ".cache" / "cdc-features") / "test-hdfs"
    archive = folder / f"hadoop-client-minicluster-{_VERSION}.jar"
    if not archive.exists():
        (ivy,) = _JARS.glob("ivy-*.jar")
        settings = folder / "settings.xml"
        folder.mkdir(parents=True, exist_ok=True)
        settings.write_text(
            '<ivysettings><settings defaultResolver="default"/><resolvers><ibiblio name="default" m2compatible="true"'
            ' usepoms="false" useMavenMetadata="false" checksums=""/></resolvers></ivysettings>'
        )
        own = os.environ.get("CDC_FEATURES_IVY_SETTINGS") or str(settings)
        with tempfile.TemporaryDirectory() as work:
            command = [_java(), "-jar", str(ivy), "-settings", own, "-cache", work, "-notransitive", "-dependency"]
            command += ["org.apache.hadoop", "hadoop-client-minicluster", _VERSION]
            done = subprocess.run(
                [*command, "-retrieve", f"{work}/[artifact]-[revision].[ext]"], capture_output=True, text=True
            )
            fetched = Path(work) / archive.name
            if not fetched.exists():
                pytest.skip(f"no {archive.name} to be had for a real HDFS: {done.stdout[-300:]}")
            unfinished = archive.with_suffix(f".{os.getpid()}")
            unfinished.write_bytes(fetched.read_bytes())
            unfinished.replace(archive)
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == _SHA256, f"{archive} is damaged: remove it"
    return archive


@contextlib.contextmanager
def hdfs(folder: Path) -> Iterator[str]:
    """The URI of its root."""
    details = folder / "details.json"
    command = [_java(), "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", f"{_JARS}/*:{_archive()}"]
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
