"""Writing bundles: completely, or the folder stays as it was."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from loadgen.evidence.bundle import BundleRefused
from loadgen.evidence.bundle_format import FORMAT
from loadgen.evidence.bundle_reader import read_bundle
from loadgen.evidence.bundle_writer import check_place, write_bundle
from tests.unit.loadgen.evidence.bundles import OTHER, WHOLE, blocks_of, files_of, manifest_of
from tests.unit.loadgen.evidence_factory import MACHINE, SETTINGS, bundle, experiment, record

# Writing and reading


def test_a_bundle_is_read_as_it_was_written(written: Path) -> None:
    assert read_bundle(written) == WHOLE


def test_a_bundle_is_a_manifest_and_a_line_for_each_block(written: Path) -> None:
    lines = [orjson.loads(line) for line in blocks_of(written).read_bytes().splitlines()]
    assert [(line["experiment"], line["arm"], line["pair"]) for line in lines] == [
        (each.name, *block) for each in WHOLE.experiments for block in each.plan
    ]
    manifest = manifest_of(written)
    assert manifest["format"] == FORMAT
    assert [each["name"] for each in manifest["experiments"]] == ["second", "first", "different"]
    assert manifest["experiments"][2]["difference"] == "?a=1 at $.x: naive 1"
    assert manifest["settings"] == SETTINGS


def test_equal_bundles_have_equal_bytes(tmp_path: Path, written: Path) -> None:
    again = replace(WHOLE, machine=dict(reversed(MACHINE.items())), settings=dict(SETTINGS))
    write_bundle(tmp_path / "again", again)
    assert files_of(tmp_path / "again") == files_of(written)


def test_a_bundle_that_was_read_is_written_with_equal_bytes(tmp_path: Path, written: Path) -> None:
    write_bundle(tmp_path / "again", read_bundle(written))
    assert files_of(tmp_path / "again") == files_of(written)


def test_a_bundle_replaces_another_and_leaves_other_files(written: Path) -> None:
    (written / "report.html").write_text("mine")
    write_bundle(written, OTHER)
    assert read_bundle(written) == OTHER
    assert len(files_of(written)) == 3
    assert (written / "report.html").read_text() == "mine"


def test_files_of_a_killed_run_are_removed_by_the_next(written: Path) -> None:
    for name in (
        "manifest.json.part",
        "blocks-0123456789ab.jsonl.part",
        "blocks-ba9876543210.jsonl",
    ):
        (written / name).write_text("half")
    write_bundle(written, WHOLE)
    assert sorted(files_of(written)) == [blocks_of(written).name, "manifest.json"]


def test_the_manifest_of_another_program_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "a web page"}')
    with pytest.raises(BundleRefused, match="belongs to another program; name another folder"):
        write_bundle(tmp_path, WHOLE)
    assert files_of(tmp_path) == {"manifest.json": b'{"name": "a web page"}'}


def test_a_damaged_bundle_is_overwritten(written: Path) -> None:
    (written / "manifest.json").write_text(f'{{"format": "{FORMAT}"')
    write_bundle(written, WHOLE)
    assert read_bundle(written) == WHOLE


def test_checking_a_place_leaves_it_as_it_was(tmp_path: Path) -> None:
    check_place(tmp_path / "not" / "yet")
    assert files_of(tmp_path) == {}


def test_a_place_that_cannot_be_used_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BundleRefused, match="is a file; name a folder"):
        check_place(tmp_path / "file")
    with pytest.raises(OSError, match="file"):
        check_place(tmp_path / "file" / "below")


# Failing to write


class Failing:
    """Passes on the given number of calls, then fails as on a full disk."""

    def __init__(self, real: Callable[..., Any], calls: int) -> None:
        self._real = real
        self._calls = calls

    def __call__(self, *arguments: Any) -> Any:
        self._calls -= 1
        if self._calls < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._real(*arguments)


#: The calls while a bundle is written that may fail; the first fsync is that of check_place.
STEPS = [("fsync", 1), ("fsync", 2), ("replace", 0), ("replace", 1)]


def fail_at(monkeypatch: pytest.MonkeyPatch, step: str, calls: int) -> None:
    if step == "fsync":
        monkeypatch.setattr(os, "fsync", Failing(os.fsync, calls))
    else:
        failing = Failing(Path.replace, calls)
        monkeypatch.setattr(Path, "replace", lambda *arguments: failing(*arguments))


@pytest.mark.parametrize(("step", "calls"), STEPS)
def test_a_disk_that_fills_up_leaves_the_old_bundle_and_nothing_else(
    written: Path, monkeypatch: pytest.MonkeyPatch, step: str, calls: int
) -> None:
    before = files_of(written)
    fail_at(monkeypatch, step, calls)
    with pytest.raises(OSError, match="No space left"):
        write_bundle(written, OTHER)
    assert files_of(written) == before


@pytest.mark.parametrize(("step", "calls"), STEPS)
def test_a_disk_that_fills_up_leaves_no_folder_where_none_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, calls: int
) -> None:
    fail_at(monkeypatch, step, calls)
    with pytest.raises(OSError, match="No space left"):
        write_bundle(tmp_path / "not" / "yet", OTHER)
    assert list(tmp_path.iterdir()) == []


WRITE_WITHIN_A_LIMIT = """
import resource, sys
from pathlib import Path
from tests.unit.loadgen.evidence.bundles import OTHER
from loadgen.evidence.bundle_writer import write_bundle
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    write_bundle(Path(sys.argv[1]), OTHER)
except OSError as error:
    sys.exit(error.strerror)
"""


def write_within(folder: Path, limit: int) -> subprocess.CompletedProcess[str]:
    """In another process, whose files the kernel limits to so many bytes."""
    arguments = (sys.executable, "-c", WRITE_WITHIN_A_LIMIT, str(folder), str(limit))
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def test_a_kernel_that_refuses_bytes_leaves_the_old_bundle_and_nothing_else(written: Path) -> None:
    before = files_of(written)
    refused = write_within(written, 1_000)
    assert refused.stderr == "File too large\n"
    assert files_of(written) == before
    assert write_within(written, 100_000).returncode == 0
    assert read_bundle(written) == OTHER


def test_a_bundle_that_contradicts_itself_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(BundleRefused, match="contradicts itself"):
        write_bundle(tmp_path / "bundle", bundle(experiment([record(sent=7)])))
    assert list(tmp_path.iterdir()) == []
