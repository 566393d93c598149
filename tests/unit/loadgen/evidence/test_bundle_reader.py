"""Reading bundles: as they were written, or refused."""

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from loadgen.evidence import bundle_format, bundle_writer
from loadgen.evidence.bundle import Bundle, BundleRefused
from loadgen.evidence.bundle_format import FORMAT, seal
from loadgen.evidence.bundle_reader import read_bundle
from loadgen.evidence.bundle_writer import write_bundle
from tests.unit.loadgen.evidence.bundles import WHOLE, blocks_of, manifest_of
from tests.unit.loadgen.evidence_factory import bundle, experiment, record


def forge(folder: Path, monkeypatch: pytest.MonkeyPatch, forged: Bundle) -> Path:
    """Write a bundle that contradicts itself, with correct checksums."""
    with monkeypatch.context() as patched:
        patched.setattr(bundle_writer, "check_consistent", lambda _: None)
        write_bundle(folder, forged)
    return folder


def refusal_of(folder: Path) -> str:
    with pytest.raises(BundleRefused) as caught:
        read_bundle(folder)
    reason = str(caught.value)
    assert reason.startswith(f"{folder}: ")
    assert "\n" not in reason
    return reason.removeprefix(f"{folder}: ")


def test_a_missing_folder_or_manifest_is_refused(tmp_path: Path) -> None:
    assert refusal_of(tmp_path / "nowhere") == "there is no such folder"
    assert refusal_of(tmp_path) == "no bundle: it has no manifest.json"


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '"text"', "{}", '{"format": 7}'])
def test_another_file_in_place_of_the_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    assert refusal_of(tmp_path).startswith(
        ("no bundle: manifest.json is no JSON", "its format is ")
    )


def test_a_bundle_of_another_format_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(bundle_format, "FORMAT", "api-performance-lab bundle 0")
        write_bundle(tmp_path, WHOLE)
    assert refusal_of(tmp_path) == (
        f"its format is 'api-performance-lab bundle 0', and this program reads {FORMAT!r}"
    )


def test_a_bundle_without_its_blocks_is_refused(written: Path) -> None:
    path = blocks_of(written)
    path.unlink()
    assert refusal_of(written) == f"{path.name} cannot be read: No such file or directory"


@pytest.mark.parametrize("name", ["sent", "answered", "errors", "body_bytes", "pair", "seconds"])
def test_a_changed_count_is_refused(written: Path, name: str) -> None:
    path = blocks_of(written)
    first, *others = path.read_bytes().splitlines(keepends=True)
    changed = orjson.loads(first)
    changed[name] += 1
    path.write_bytes(b"".join([orjson.dumps(changed) + b"\n", *others]))
    assert refusal_of(written) == f"{path.name} was changed: its checksum differs"


def test_missing_repeated_and_reordered_blocks_are_refused(written: Path) -> None:
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
    assert refusal_of(written) == "manifest.json was changed: its checksum differs"


def test_any_changed_byte_of_any_file_is_refused(written: Path) -> None:
    random = Random(1)
    for path in written.iterdir():
        whole = path.read_bytes()
        for place in random.sample(range(len(whole)), 100):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << random.randrange(7)
            path.write_bytes(damaged)
            # Another whitespace character changes no value, so the checksum still matches.
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
def test_a_contradiction_is_refused_although_the_checksums_match(
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
def test_a_field_of_another_type_is_refused_although_the_checksum_matches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    folder = forge(tmp_path, monkeypatch, replace(WHOLE, **changes))
    assert refusal_of(folder).startswith("a field of the bundle is missing or wrong: ")


@pytest.mark.parametrize("name", ["../secret", "blocks-0123456789ab.jsonl/..", "/etc/passwd"])
def test_a_manifest_that_names_another_file_is_refused(written: Path, name: str) -> None:
    manifest = manifest_of(written)
    manifest["blocks"]["file"] = name
    manifest["sha256"] = seal(manifest)
    (written / "manifest.json").write_bytes(orjson.dumps(manifest))
    assert refusal_of(written) == f"{name!r} cannot be the name of its blocks"
