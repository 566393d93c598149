"""The files of all reports."""

from pathlib import Path

import pytest

from loadgen.judgement import decode_judgement
from loadgen.report.files import sweeps_below, write_reports
from tests.unit.loadgen.report import sample


def test_all_reports_are_written_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet"
    judgement, sweeps = sample.judgement(), {"caching": sample.sweep()}
    paths = write_reports(folder, judgement, sample.histograms(), sweeps)
    reports = {"overview.svg", "report.csv", "report.html", "report.md"}
    names = {"judgement.json", "sweeps.json", *reports}
    assert {path.name for path in paths} == {path.name for path in folder.iterdir()} == names
    assert decode_judgement((folder / "judgement.json").read_bytes()) == judgement
    assert (folder / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_a_full_disk_leaves_the_previous_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_reports(tmp_path, sample.judgement(), {})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write_bytes = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if "html" in path.name:
            raise OSError(28, "No space left on device")
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write_reports(tmp_path, sample.judgement({}), {})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_damaged_sweep_is_refused_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "sweeps" / "sweeps.json"
    path.parent.mkdir()
    path.write_text("{")
    with pytest.raises(ValueError, match=rf"^{path}: "):
        sweeps_below(tmp_path)
