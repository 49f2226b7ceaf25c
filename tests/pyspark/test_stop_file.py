"""How a run is told to end, and whose its report is; files on a shared path, no Spark."""

import json
from pathlib import Path
from typing import cast

import pytest
from pyspark.sql import SparkSession

from cdc_features.files import LocalFiles
from cdc_features.progress import RunReport
from cdc_features.settings import Redis, Settings
from cdc_features.stop_file import StopFile

NO_SPARK = cast(SparkSession, None)


@pytest.fixture
def stop(tmp_path: Path) -> StopFile:
    given = dict.fromkeys(Settings.__dataclass_fields__) | {"redis": Redis(""), "run_id": "mine"}
    return StopFile(NO_SPARK, Settings(**{**given, "stop_file": str(tmp_path / "stop")}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "says_stop", "successor"),
    [(None, False, None), ("", True, None), (" \n", True, None), ("mine\n", False, None), ("other", True, "other")],
)
def test_it_names_the_run_that_may_go_on(
    stop: StopFile, tmp_path: Path, text: str | None, says_stop: bool, successor: str | None
) -> None:
    if text is not None:
        (tmp_path / "stop").write_text(text)
    assert [stop.says_stop(), stop.says_stop()] == [False, says_stop]
    assert stop.successor() == successor


def test_one_that_is_just_being_written_stops_nothing(stop: StopFile, tmp_path: Path) -> None:
    for content in (b"", b"mi", b"", b"\xc3", b"mine", b""):
        (tmp_path / "stop").write_bytes(content)
        assert not stop.says_stop()
    (tmp_path / "stop").unlink()
    assert not stop.says_stop()


def test_one_that_goes_while_it_is_looked_at_stops_nothing(
    stop: StopFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalFiles, "exists", lambda *_: True)
    assert [stop.says_stop(), stop.says_stop()] == [False, False]
    assert stop.successor() is None


def test_the_report_is_the_successors_from_when_it_has_begun(stop: StopFile, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    report = RunReport(LocalFiles(), str(path), stop)
    report.emit("started", run_id="mine")
    report.emit("progress")
    told = path.read_text()
    assert json.loads(told)[0] == {"event": "started", "run_id": "mine"}
    (tmp_path / "stop").write_text("other")
    report.emit("failed")
    assert path.read_text() == told
    (tmp_path / "stop").write_text("")
    report.emit("finished")
    assert [one["event"] for one in json.loads(path.read_text())] == ["started", "progress", "failed", "finished"]
