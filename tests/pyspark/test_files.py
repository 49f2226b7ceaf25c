"""Files on a shared path: whole or not at all; no Spark."""

from pathlib import Path

import pytest

from cdc_features.files import LocalFiles


def test_two_writers_of_a_file_do_not_mix_their_bytes(tmp_path: Path) -> None:
    files, path = LocalFiles(), tmp_path / "new" / "x"
    with files.replacing(str(path)) as first:
        Path(first).write_text("first")
        with files.replacing(str(path)) as second:
            # Readers, and those that tidy up, know by these that it is not whole.
            assert {Path(name).name[0] + name[-4:] for name in (first, second)} == {"_.tmp"}
            Path(second).write_text("second, and longer")
        assert path.read_text() == "second, and longer"
    assert path.read_text() == "first"
    assert files.names(str(path.parent)) == ["x"]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    files, path = LocalFiles(), tmp_path / "x"
    files.write(str(path), ["before"])
    with pytest.raises(ZeroDivisionError):
        files.write(str(path), (str(1 // number) for number in (1, 0)))
    assert (files.names(str(tmp_path)), path.read_text()) == (["x"], "before\n")


def test_what_a_killed_run_has_begun_goes(tmp_path: Path) -> None:
    files = LocalFiles()
    files.write(str(tmp_path / "x"), ["whole"])
    with files.replacing(str(tmp_path / "y")) as unfinished:
        Path(unfinished).write_text("half")
        files.delete_unfinished(str(tmp_path))
        assert files.names(str(tmp_path)) == ["x"]
        Path(unfinished).write_text("again")
