"""A run at rest: written whole or not at all, read as it was or refused."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from loadgen.evidence import bundle as module
from loadgen.evidence.bundle import (
    FORMAT,
    Bundle,
    BundleRefused,
    check_place,
    generators_of,
    merge,
    read_bundle,
    write_bundle,
)
from loadgen.judging.judge import judge
from tests.unit.loadgen.made_up import MACHINE, SETTINGS, bundle, experiment, record, records

WHOLE = bundle(
    experiment(records([1.9, 2.0]), name="second"),
    experiment(records([1.0]), name="first", arms=("control", "optimized", "naive")),
    experiment(name="different", answers_equal=False, difference="?a=1 at $.x: naive 1"),
)
OTHER = bundle(experiment(records([3.0])))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    write_bundle(folder, WHOLE)
    return folder


def manifest_of(folder: Path) -> Any:
    return orjson.loads((folder / "manifest.json").read_bytes())


def blocks_of(folder: Path) -> Path:
    (path,) = folder.glob("blocks-*.jsonl")
    return path


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def forge(folder: Path, monkeypatch: pytest.MonkeyPatch, forged: Bundle) -> Path:
    """Write what does not agree with itself, checksums and all."""
    with monkeypatch.context() as patched:
        patched.setattr(module, "_check", lambda _: None)
        write_bundle(folder, forged)
    return folder


def refusal_of(folder: Path) -> str:
    with pytest.raises(BundleRefused) as caught:
        read_bundle(folder)
    reason = str(caught.value)
    assert reason.startswith(f"{folder}: ")
    assert "\n" not in reason
    return reason.removeprefix(f"{folder}: ")


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


def test_what_was_read_has_the_bytes_that_were_written(tmp_path: Path, written: Path) -> None:
    write_bundle(tmp_path / "again", read_bundle(written))
    assert files_of(tmp_path / "again") == files_of(written)


def test_a_bundle_takes_the_place_of_another_and_of_nothing_else(written: Path) -> None:
    (written / "report.html").write_text("mine")
    write_bundle(written, OTHER)
    assert read_bundle(written) == OTHER
    assert len(files_of(written)) == 3
    assert (written / "report.html").read_text() == "mine"


def test_what_a_killed_run_left_behind_goes_with_the_next(written: Path) -> None:
    for name in (
        "manifest.json.part",
        "blocks-0123456789ab.jsonl.part",
        "blocks-ba9876543210.jsonl",
    ):
        (written / name).write_text("half")
    write_bundle(written, WHOLE)
    assert sorted(files_of(written)) == [blocks_of(written).name, "manifest.json"]


def test_a_manifest_of_something_else_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "a web page"}')
    with pytest.raises(BundleRefused, match="is of something else"):
        write_bundle(tmp_path, WHOLE)
    assert files_of(tmp_path) == {"manifest.json": b'{"name": "a web page"}'}


def test_a_damaged_bundle_is_written_over(written: Path) -> None:
    (written / "manifest.json").write_text(f'{{"format": "{FORMAT}"')
    write_bundle(written, WHOLE)
    assert read_bundle(written) == WHOLE


def test_a_place_is_found_usable_before_the_run_and_left_as_it_was(tmp_path: Path) -> None:
    check_place(tmp_path / "not" / "yet")
    assert files_of(tmp_path) == {}


def test_a_place_that_cannot_be_used_is_found_out_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BundleRefused, match="a file is in the place"):
        check_place(tmp_path / "file")
    with pytest.raises(OSError, match="file"):
        check_place(tmp_path / "file" / "below")


# Failing to write


class Failing:
    """Lets so many calls through, then the disk is full."""

    def __init__(self, real: Callable[..., Any], calls: int) -> None:
        self._real = real
        self._calls = calls

    def __call__(self, *arguments: Any) -> Any:
        self._calls -= 1
        if self._calls < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._real(*arguments)


#: What is called while a bundle is written, and how often: the first fsync is check_place's.
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
from tests.unit.loadgen.evidence.test_bundle import OTHER
from loadgen.evidence.bundle import write_bundle
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    write_bundle(Path(sys.argv[1]), OTHER)
except OSError as error:
    sys.exit(error.strerror)
"""


def write_within(folder: Path, limit: int) -> subprocess.CompletedProcess[str]:
    """In a process of its own, whose files the kernel keeps from growing beyond so many bytes."""
    arguments = (sys.executable, "-c", WRITE_WITHIN_A_LIMIT, str(folder), str(limit))
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def test_a_kernel_that_refuses_bytes_leaves_the_old_bundle_and_nothing_else(written: Path) -> None:
    before = files_of(written)
    refused = write_within(written, 1_000)
    assert refused.stderr == "File too large\n"
    assert files_of(written) == before
    assert write_within(written, 100_000).returncode == 0
    assert read_bundle(written) == OTHER


def test_a_bundle_that_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(BundleRefused, match="contradicts itself"):
        write_bundle(tmp_path / "bundle", bundle(experiment([record(sent=7)])))
    assert list(tmp_path.iterdir()) == []


# Refusing to read


def test_where_nothing_is_there_is_no_bundle(tmp_path: Path) -> None:
    assert refusal_of(tmp_path / "nowhere") == "there is no such folder"
    assert refusal_of(tmp_path) == "no bundle: it has no manifest.json"


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '"text"', "{}", '{"format": 7}'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    assert refusal_of(tmp_path).startswith(
        ("no bundle: manifest.json is no JSON", "its format is ")
    )


def test_a_bundle_of_another_format_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(module, "FORMAT", "api-performance-lab bundle 0")
        write_bundle(tmp_path, WHOLE)
    assert refusal_of(tmp_path) == (
        f"its format is 'api-performance-lab bundle 0', and this program reads {FORMAT!r}"
    )


def test_a_bundle_without_its_blocks_is_refused(written: Path) -> None:
    path = blocks_of(written)
    path.unlink()
    assert refusal_of(written) == f"{path.name} cannot be read: No such file or directory"


@pytest.mark.parametrize("name", ["sent", "answered", "errors", "body_bytes", "pair", "seconds"])
def test_one_changed_count_is_refused(written: Path, name: str) -> None:
    path = blocks_of(written)
    first, *others = path.read_bytes().splitlines(keepends=True)
    changed = orjson.loads(first)
    changed[name] += 1
    path.write_bytes(b"".join([orjson.dumps(changed) + b"\n", *others]))
    assert refusal_of(written) == f"{path.name} is not what was written: its checksum differs"


def test_a_block_that_is_missing_or_there_twice_is_refused(written: Path) -> None:
    path = blocks_of(written)
    lines = path.read_bytes().splitlines(keepends=True)
    for changed in (lines[1:], [*lines, lines[-1]], [*lines[1:], lines[0]]):
        path.write_bytes(b"".join(changed))
        assert "its checksum differs" in refusal_of(written)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"seed": 7', '"seed": 8'),
        ("Fast 9000", "Fast 9001"),
        ('"answers_equal": false', '"answers_equal": true'),
    ],
)
def test_a_changed_manifest_is_refused(written: Path, old: str, new: str) -> None:
    path = written / "manifest.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert refusal_of(written) == "manifest.json is not what was written: its checksum differs"


def test_any_changed_byte_of_any_file_is_refused(written: Path) -> None:
    random = Random(1)
    for path in written.iterdir():
        whole = path.read_bytes()
        for place in random.sample(range(len(whole)), 100):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << random.randrange(7)
            path.write_bytes(damaged)
            # Space for space: a manifest that says the same is the same.
            if path.name == "manifest.json" and damaged.split() == whole.split():
                continue
            refusal_of(written)
        path.write_bytes(whole)
    assert read_bundle(written) == WHOLE


@pytest.mark.parametrize(
    ("forged", "reason"),
    [
        (
            experiment([record(answered=99, sent=100)]),
            "block 0 of naive contradicts itself: 99 answers and 0 errors of 100 requests",
        ),
        (
            experiment([record(pair=3, latencies=record(answered=7).latencies)]),
            "block 3 of naive contradicts itself: 7 latencies of 100 answers",
        ),
        (
            experiment([record(seconds=0.0)]),
            "block 0 of naive contradicts itself: 100 answers in no time",
        ),
        (experiment([record(), record()]), "a block is there twice"),
        (experiment([record("other")]), "a block of 'other', which is none of its arms"),
        (experiment(baseline="other"), "its baseline 'other' is none of its arms"),
    ],
)
def test_what_contradicts_itself_is_refused_though_its_checksums_are_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forged: Any, reason: str
) -> None:
    folder = forge(tmp_path, monkeypatch, bundle(forged))
    assert refusal_of(folder) == f"made-up: {reason}"


def test_two_experiments_of_the_same_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = forge(tmp_path, monkeypatch, bundle(experiment(), experiment()))
    assert refusal_of(folder) == "two experiments have the same name"


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": []},
        {"machine": None},
        {"measured_at": 7},
        {"experiments": (experiment(title=7),)},
    ],
)
def test_what_a_manifest_cannot_say_is_refused_though_its_checksum_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    folder = forge(tmp_path, monkeypatch, replace(WHOLE, **changes))
    assert refusal_of(folder).startswith("not what a bundle is made of: ")


@pytest.mark.parametrize("name", ["../secret", "blocks-0123456789ab.jsonl/..", "/etc/passwd"])
def test_a_manifest_names_no_file_outside_its_folder(written: Path, name: str) -> None:
    manifest = manifest_of(written)
    del manifest["sha256"]
    manifest["blocks"]["file"] = name
    manifest["sha256"] = module._seal(manifest)
    (written / "manifest.json").write_bytes(orjson.dumps(manifest))
    assert refusal_of(written) == f"{name!r} cannot be the name of its blocks"


# Merging

ONE = bundle(experiment(records([1.9, 2.0, 2.1, 2.0])))
SIDE_BY_SIDE = bundle(experiment(records([2.0, 2.0, 1.9, 2.1])))


def test_generators_that_ran_side_by_side_are_merged_block_by_block() -> None:
    merged = merge([ONE, SIDE_BY_SIDE])
    (together,), (one,), (other,) = (each.experiments for each in (merged, ONE, SIDE_BY_SIDE))
    assert together.records == tuple(
        left.merged(right) for left, right in zip(one.records, other.records, strict=True)
    )
    assert together.plan == one.plan
    assert generators_of(merged.settings) == 2
    assert generators_of(ONE.settings) == 1


def test_two_generators_have_twice_the_throughput_and_the_same_times() -> None:
    alone, both = (
        judge(each).experiments["made-up"].arms["naive"]
        for each in (ONE, merge([ONE, SIDE_BY_SIDE]))
    )
    assert both.requests_per_second == 2 * alone.requests_per_second
    assert both.p50_ms == pytest.approx(alone.p50_ms, rel=0.01)


def test_what_was_merged_is_written_read_and_merged_again(tmp_path: Path) -> None:
    third = bundle(experiment(records([2.0, 2.0, 2.0, 2.0])))
    merged = merge([ONE, SIDE_BY_SIDE])
    write_bundle(tmp_path, merged)
    assert read_bundle(tmp_path) == merged
    assert merge([read_bundle(tmp_path), third]) == merge([ONE, SIDE_BY_SIDE, third])
    assert generators_of(merge([merged, third]).settings) == 3


def test_a_difference_that_one_generator_met_is_not_lost() -> None:
    different = replace(
        SIDE_BY_SIDE,
        experiments=(replace(SIDE_BY_SIDE.experiments[0], answers_equal=False, difference="$.x"),),
    )
    (merged,) = merge([ONE, different]).experiments
    assert (merged.answers_equal, merged.difference) == (False, "$.x")


def test_machines_that_differ_are_told_side_by_side() -> None:
    other = replace(SIDE_BY_SIDE, machine={**MACHINE, "cores": 8})
    assert merge([ONE, other]).machine == {"processor": "Fast 9000", "cores": "4, 8"}


def test_the_earlier_beginning_is_the_merged_ones() -> None:
    earlier = replace(SIDE_BY_SIDE, measured_at="2025-11-23T12:59:59+01:00")
    assert merge([ONE, earlier]).measured_at == "2025-11-23T12:59:59+01:00"


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (replace(SIDE_BY_SIDE, settings={**SETTINGS, "seed": 8}), "the settings differ in seed"),
        (replace(SIDE_BY_SIDE, settings={**SETTINGS, "rate": 8}), "the settings differ in rate"),
        (replace(SIDE_BY_SIDE, git_revision="fed"), "they are of different revisions"),
        (bundle(experiment(records([1.0] * 5))), "the experiments or their blocks differ"),
        (bundle(experiment(records([1.0] * 4)[::-1])), "the experiments or their blocks differ"),
        (
            bundle(experiment(records([1.0] * 4), name="x")),
            "the experiments or their blocks differ",
        ),
        (
            replace(SIDE_BY_SIDE, measured_at="2025-11-23T12:00:03+00:00"),
            "they began 3 s apart, not side by side",
        ),
        (replace(SIDE_BY_SIDE, measured_at="yesterday"), "'yesterday' is no moment"),
        (ONE, "one of them is there twice"),
    ],
)
def test_what_did_not_run_side_by_side_is_not_merged(other: Bundle, reason: str) -> None:
    with pytest.raises(BundleRefused) as caught:
        merge([ONE, other])
    assert str(caught.value) == f"cannot merge: {reason}"


def test_one_bundle_alone_is_not_merged() -> None:
    with pytest.raises(BundleRefused, match="two bundles or more"):
        merge([ONE])
