"""The job's Java as it is committed."""

import hashlib
import zipfile
from pathlib import Path

from cdc_features.session import LIBRARY

SOURCES = Path(__file__).parents[2] / "spark-jobs" / "jvm" / "cdcfeatures"


def test_the_archive_was_built_from_the_sources() -> None:
    digest = hashlib.sha256()
    for source in sorted(SOURCES.iterdir()):
        digest.update(source.read_bytes())
    with zipfile.ZipFile(LIBRARY) as archive:
        built_from = archive.read("cdcfeatures/sources.sha256").decode().strip()
    assert built_from == digest.hexdigest(), "build it: node spark-jobs/jvm/build.mjs (CONTRIBUTING.md)"
