"""Archives with Hadoop's servers, for real ones in tests: fetched once by the Ivy that ships with PySpark, and checked.

As a program it prints the class path that servers of all kinds run on; everything else that they need is PySpark's.
"""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import pyspark

_JARS = Path(pyspark.__file__).parent / "jars"
# Organisation, name, revision and SHA-256. YARN's servers ask for the others, which the first one leaves out.
_ARCHIVES = [
    (
        *("org.apache.hadoop", "hadoop-client-minicluster", "3.4.2"),
        "ae2406c544825b7734b8aad4f87eff60d9ec422284f0b16c2856032083b63c77",
    ),
    (
        *("jakarta.xml.bind", "jakarta.xml.bind-api", "2.3.3"),
        "c04539f472e9a6dd0c7685ea82d677282269ab8e7baca2e14500e381e0c6cec5",
    ),
    (
        *("org.bouncycastle", "bcprov-jdk18on", "1.78.1"),
        "add5915e6acfc6ab5836e1fd8a5e21c6488536a8c1f21f386eeb3bf280b702d7",
    ),
    (
        *("org.bouncycastle", "bcpkix-jdk18on", "1.78.1"),
        "4b48ea084e5232b9d79ebca1887b9de037b124931807cd60710748c2aee08cc9",
    ),
    (
        *("org.bouncycastle", "bcutil-jdk18on", "1.78.1"),
        "d9fa56f97b0f761ce3bc8d9d74c5d7137a987bf5bd3abfe1003f9bafa45a1d2f",
    ),
]
_SETTINGS = (
    '<ivysettings><settings defaultResolver="default"/><resolvers><ibiblio name="default" m2compatible="true"'
    ' usepoms="false" useMavenMetadata="false" checksums=""/></resolvers></ivysettings>'
)


class NotToBeHadError(RuntimeError):
    """Archives could not be fetched."""


def java() -> str:
    home = os.environ.get("JAVA_HOME")
    return f"{home}/bin/java" if home else "java"


def class_path() -> str:
    """NotToBeHadError."""
    folder = Path(os.environ.get("CDC_FEATURES_CACHE") or Path.home() / ".cache" / "cdc-features") / "test-hdfs"
    folder.mkdir(parents=True, exist_ok=True)
    archives = [_archive(folder, *archive) for archive in _ARCHIVES]
    return ":".join([f"{_JARS}/*", *map(str, archives)])


def _archive(folder: Path, organisation: str, name: str, revision: str, sha256: str) -> Path:
    archive = folder / f"{name}-{revision}.jar"
    if not archive.exists():
        (ivy,) = _JARS.glob("ivy-*.jar")
        settings = folder / "settings.xml"
        settings.write_text(_SETTINGS)
        own = os.environ.get("CDC_FEATURES_IVY_SETTINGS") or str(settings)
        with tempfile.TemporaryDirectory() as work:
            command = [java(), "-jar", str(ivy), "-settings", own, "-cache", work, "-notransitive"]
            command += ["-dependency", organisation, name, revision]
            done = subprocess.run(
                [*command, "-retrieve", f"{work}/[artifact]-[revision].[ext]"], capture_output=True, text=True
            )
            fetched = Path(work) / archive.name
            if not fetched.exists():
                raise NotToBeHadError(f"no {archive.name} to be had for a real Hadoop: {done.stdout[-300:]}")
            unfinished = archive.with_suffix(f".{os.getpid()}")
            unfinished.write_bytes(fetched.read_bytes())
            unfinished.replace(archive)
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == sha256, f"{archive} is damaged: remove it"
    return archive


if __name__ == "__main__":
    print(class_path())
