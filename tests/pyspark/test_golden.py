"""What a run of golden cases tells; what the cases compute is tested by the corpus in tests/fixtures/golden."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from cdc_features import golden
from cdc_features.progress import PREFIX
from cdc_features.settings import GoldenBatch, GoldenCase, GoldenSettings, read_settings

NO_SPARK = cast(SparkSession, None)


@pytest.fixture
def settings(tmp_path: Path) -> GoldenSettings:
    cases = [
        {"job": "a.py", "folder": str(tmp_path / name), "as_of_ms": 2, "batches": [{"end": 1, "as_of_ms": 1}]}
        for name in ("right", "wrong")
    ]
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"cases": cases, "parallel": 1, "stop_file": str(tmp_path / "stop")}))
    read = read_settings(str(path))
    assert isinstance(read, GoldenSettings)
    return read


@pytest.fixture(autouse=True)
def computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def compute(spark: SparkSession, case: GoldenCase, job: Any) -> golden.Rows:
        if case.folder.endswith("wrong"):
            raise ValueError("no such thing")
        return [{"entity": "5"}]

    monkeypatch.setattr(golden, "_load", lambda path: None)
    monkeypatch.setattr(golden, "compute", compute)


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix(PREFIX)) for line in capsys.readouterr().out.splitlines()]


def test_settings_with_cases_are_those_of_golden_tests(settings: GoldenSettings) -> None:
    assert settings.cases[0].batches == [GoldenBatch(end=1, as_of_ms=1)]


def test_a_case_that_fails_is_told_and_the_others_go_on(
    settings: GoldenSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    golden.run(NO_SPARK, settings)
    *cases, last = told(capsys)
    right, wrong = sorted(cases, key=lambda case: case["number"])
    assert (right["rows"], right["error"]) == ([{"entity": "5"}], None)
    assert (wrong["rows"], wrong["error"]["type"], wrong["error"]["message"]) == ([], "ValueError", "no such thing")
    assert last == {"event": "tested"}


def test_nothing_begins_once_it_is_to_stop(settings: GoldenSettings, capsys: pytest.CaptureFixture[str]) -> None:
    Path(settings.stop_file).touch()
    golden.run(NO_SPARK, settings)
    assert "tested" not in [event["event"] for event in told(capsys)]
