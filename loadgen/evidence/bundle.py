"""A run at rest: all that was measured, in a folder from which every figure is computed anew.

`manifest.json` says when, where and with what; `blocks-….jsonl` has a line for each block. The
manifest names the blocks by their checksum and is put in place last, in one step: at any instant,
also of a crash, the folder holds the old bundle or the new one. What else lies there stays.
"""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from pathlib import Path
from types import UnionType
from typing import Any

import orjson

from loadgen.evidence.block_record import Record, together
from loadgen.judgement import CONTROL
from loadgen.sending.histogram import Histogram

_FORMAT_NAME = "api-performance-lab bundle"
FORMAT = f"{_FORMAT_NAME} 1"
MANIFEST_NAME = "manifest.json"
_BLOCKS_NAME = re.compile(r"blocks-[0-9a-f]{12}\.jsonl")
_PART = ".part"
#: What the manifest says of a bundle and of each experiment, and as what.
_DESCRIBED = {"measured_at": str, "git_revision": str, "machine": dict, "settings": dict}
_EXPERIMENT: dict[str, type | UnionType] = {
    **dict.fromkeys(("name", "title", "workload", "baseline"), str),
    "arms": list,
    "answers_equal": bool,
    "difference": str | None,
}


class BundleRefused(ValueError):
    """No bundle, a damaged one, or ones that do not belong together; the text is one line."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """Blocks of one workload on several arms, in the order in which they ran.

    Where the arms answered differently, `difference` tells how, and there may be no records.
    """

    name: str
    title: str
    workload: str
    arms: tuple[str, ...]
    baseline: str
    answers_equal: bool
    difference: str | None
    records: tuple[Record, ...]

    @property
    def candidates(self) -> tuple[str, ...]:
        """The arms that the baseline is compared with, but the control."""
        return tuple(arm for arm in self.arms if arm not in (self.baseline, CONTROL))

    def of(self, arm: str) -> list[Record]:
        return [record for record in self.records if record.arm == arm]

    @property
    def plan(self) -> list[tuple[str, int]]:
        """Which blocks it has, and in which order they ran."""
        return [(record.arm, record.pair) for record in self.records]


@dataclass(frozen=True, slots=True)
class Bundle:
    """`measured_at` in ISO 8601; settings and machine are what JSON can say."""

    measured_at: str
    git_revision: str
    machine: Mapping[str, Any]
    settings: Mapping[str, Any]
    experiments: tuple[Experiment, ...]


#: The latencies of all blocks, by experiment and arm.
Histograms = Mapping[str, Mapping[str, Histogram]]


def latencies_by_arm(bundle: Bundle) -> Histograms:
    return {
        experiment.name: {
            arm: together(*(record.latencies for record in experiment.of(arm)))
            for arm in experiment.arms
        }
        for experiment in bundle.experiments
    }


# Writing


def check_place(folder: Path) -> None:
    """Find out before a run whether its bundle can be written there. Raises as write_bundle."""
    if folder.exists() and not folder.is_dir():
        raise BundleRefused(f"{folder}: a file is in the place of the folder")
    manifest = folder / MANIFEST_NAME
    if manifest.exists() and _FORMAT_NAME.encode() not in manifest.read_bytes():
        raise BundleRefused(f"{folder}: its {MANIFEST_NAME} is of something else")
    made = _make(folder)
    try:
        _write_through(folder / f"{MANIFEST_NAME}{_PART}", b"")
    finally:
        _tidy(folder, made)


def write_bundle(folder: Path, bundle: Bundle) -> None:
    """Put it into the folder, in place of the bundle that is there, if one is.

    Raises OSError when it cannot be written, and BundleRefused when it contradicts itself, so that
    what is written can be read. In both cases the folder is as it was.
    """
    _check(bundle)
    check_place(folder)
    blocks = _blocks_text(bundle)
    name = f"blocks-{_digest(blocks)[:12]}.jsonl"
    texts = {name: blocks, MANIFEST_NAME: _manifest_text(bundle, name, blocks)}
    made = _make(folder)
    try:
        for name, text in texts.items():
            _write_through(folder / f"{name}{_PART}", text)
        for name in texts:
            (folder / f"{name}{_PART}").replace(folder / name)
        _sync(folder)
    except BaseException:
        _tidy(folder, made)
        raise
    _tidy(folder)


def _blocks_text(bundle: Bundle) -> bytes:
    lines = [
        orjson.dumps({"experiment": experiment.name, **record.as_document()})
        for experiment in bundle.experiments
        for record in experiment.records
    ]
    return b"".join(line + b"\n" for line in lines)


def _manifest_text(bundle: Bundle, name: str, blocks: bytes) -> bytes:
    document = {"format": FORMAT, "blocks": {"file": name, "sha256": _digest(blocks)}}
    document |= _description(bundle)
    return _indented(document | {"sha256": _seal(document)})


def _description(bundle: Bundle) -> dict[str, Any]:
    """All of a bundle but its records."""
    document = {name: getattr(bundle, name) for name in _DESCRIBED}
    return document | {"experiments": [_without_records(each) for each in bundle.experiments]}


def _without_records(experiment: Experiment) -> dict[str, Any]:
    return {name: getattr(experiment, name) for name in _EXPERIMENT}


def _seal(document: Mapping[str, Any]) -> str:
    """The checksum of a manifest without its checksum."""
    return _digest(_indented(document))


def _indented(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _make(folder: Path) -> list[Path]:
    """The folders that were not there, innermost first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _write_through(path: Path, text: bytes) -> None:
    """Return when the text is on the disk: a rename may get there before what it names."""
    with path.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tidy(folder: Path, made: Sequence[Path] = ()) -> None:
    """Remove what no manifest names: of a bundle before, or of a run that failed or was killed.

    And of the folders that were `made`, those that are empty.
    """
    manifest = folder / MANIFEST_NAME
    named = manifest.read_text("utf-8", "replace") if manifest.exists() else ""
    for path in folder.iterdir():
        if path.name == f"{MANIFEST_NAME}{_PART}" or (
            _BLOCKS_NAME.fullmatch(path.name.removesuffix(_PART)) and f'"{path.name}"' not in named
        ):
            path.unlink(missing_ok=True)
    for each in made:
        with suppress(OSError):  # a bundle is in it now, or something of somebody else
            each.rmdir()


# Reading


def read_bundle(folder: Path) -> Bundle:
    """Raises BundleRefused with one line that says what is wrong with it."""
    try:
        return _read(folder)
    except BundleRefused as refused:
        raise BundleRefused(f"{folder}: {refused}") from refused.__cause__


def _read(folder: Path) -> Bundle:
    manifest = _read_manifest(folder)
    try:
        blocks = _read_blocks(folder, **manifest["blocks"])
        bundle = _bundle_from(manifest, [orjson.loads(line) for line in blocks.splitlines()])
    except BundleRefused:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleRefused(f"not what a bundle is made of: {error!r:.200}") from error
    _check(bundle)
    return bundle


def _read_manifest(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise BundleRefused("there is no such folder")
    if not (folder / MANIFEST_NAME).exists():
        raise BundleRefused(f"no bundle: it has no {MANIFEST_NAME}")
    try:
        manifest = orjson.loads(_read_file(folder / MANIFEST_NAME))
    except orjson.JSONDecodeError as error:
        raise BundleRefused(f"no bundle: {MANIFEST_NAME} is no JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else None
        raise BundleRefused(f"its format is {found!r:.60}, and this program reads {FORMAT!r}")
    unsealed = {name: value for name, value in manifest.items() if name != "sha256"}
    if _seal(unsealed) != manifest.get("sha256"):
        raise BundleRefused(f"{MANIFEST_NAME} is not what was written: its checksum differs")
    return manifest


def _read_blocks(folder: Path, file: str, sha256: str) -> bytes:
    if not _BLOCKS_NAME.fullmatch(file):
        raise BundleRefused(f"{file!r:.60} cannot be the name of its blocks")
    blocks = _read_file(folder / file)
    if _digest(blocks) != sha256:
        raise BundleRefused(f"{file} is not what was written: its checksum differs")
    return blocks


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleRefused(f"{path.name} cannot be read: {error.strerror}") from error


def _bundle_from(manifest: Mapping[str, Any], lines: Sequence[dict[str, Any]]) -> Bundle:
    records: dict[str, list[Record]] = {each["name"]: [] for each in manifest["experiments"]}
    for line in lines:
        records[line.pop("experiment")].append(Record.from_document(line))
    described = {name: _of_kind(manifest, name, kind) for name, kind in _DESCRIBED.items()}
    experiments = tuple(
        _experiment_from(each, records[each["name"]]) for each in manifest["experiments"]
    )
    return Bundle(**described, experiments=experiments)


def _experiment_from(entry: Mapping[str, Any], records: list[Record]) -> Experiment:
    described = {name: _of_kind(entry, name, kind) for name, kind in _EXPERIMENT.items()}
    described |= {"arms": tuple(map(str, entry["arms"])), "records": tuple(records)}
    return Experiment(**described)


def _of_kind(document: Mapping[str, Any], name: str, kind: type | UnionType) -> Any:
    value = document[name]
    if not isinstance(value, kind):
        raise TypeError(f"{name} cannot be {value!r:.40}")
    return value


def _check(bundle: Bundle) -> None:
    names = [experiment.name for experiment in bundle.experiments]
    if len(set(names)) < len(names):
        raise BundleRefused("two experiments have the same name")
    for experiment in bundle.experiments:
        _check_experiment(experiment)


def _check_experiment(experiment: Experiment) -> None:
    name, plan = experiment.name, experiment.plan
    if experiment.baseline not in experiment.arms:
        raise BundleRefused(f"{name}: its baseline {experiment.baseline!r} is none of its arms")
    if len(set(plan)) < len(plan):
        raise BundleRefused(f"{name}: a block is there twice")
    for record in experiment.records:
        if record.arm not in experiment.arms:
            raise BundleRefused(f"{name}: a block of {record.arm!r}, which is none of its arms")
        if record.contradiction:
            block = f"block {record.pair} of {record.arm}"
            raise BundleRefused(f"{name}: {block} contradicts itself: {record.contradiction}")


# Merging


def merge(bundles: Sequence[Bundle]) -> Bundle:
    """What generators measured that ran the same plan side by side, as if they had been one.

    They have the same settings, seed included: from another one the arms would have run in another
    order, and blocks of different arms at the same time. Raises BundleRefused.
    """
    if len(bundles) < 2:
        raise BundleRefused("two bundles or more can be merged")
    first = bundles[0]
    for other in bundles[1:]:
        _check_alike(first, other)
        _check_side_by_side(first, other)
    merged = reduce(_merged, bundles)
    generators = sum(generators_of(bundle.settings) for bundle in bundles)
    return replace(merged, settings={**first.settings, "generators": generators})


def generators_of(settings: Mapping[str, Any]) -> int:
    """How many load generators ran side by side."""
    return int(settings.get("generators", 1))


def _check_alike(one: Bundle, other: Bundle) -> None:
    if one.experiments and _blocks_text(one) == _blocks_text(other):
        raise BundleRefused("cannot merge: one of them is there twice")
    differing = [
        name
        for name in sorted((one.settings.keys() | other.settings.keys()) - {"generators"})
        if one.settings.get(name) != other.settings.get(name)
    ]
    if differing:
        raise BundleRefused(f"cannot merge: the settings differ in {', '.join(differing)}")
    if one.git_revision != other.git_revision:
        raise BundleRefused("cannot merge: they are of different revisions")
    if list(map(_outline, one.experiments)) != list(map(_outline, other.experiments)):
        raise BundleRefused("cannot merge: the experiments or their blocks differ")


def _outline(experiment: Experiment) -> tuple[object, ...]:
    """What two generators' views of an experiment have in common."""
    return experiment.name, experiment.arms, experiment.baseline, experiment.plan


def _check_side_by_side(one: Bundle, other: Bundle) -> None:
    """Added up, runs one after the other would show twice the throughput that ever was."""
    apart = abs(_moment(one) - _moment(other))
    shortest = min(
        (record.seconds for each in one.experiments for record in each.records), default=0.0
    )
    # Moments are told in whole seconds.
    if apart > timedelta(seconds=shortest + 1):
        raise BundleRefused(
            f"cannot merge: they began {apart.total_seconds():.0f} s apart, not side by side"
        )


def _moment(bundle: Bundle) -> datetime:
    try:
        return datetime.fromisoformat(bundle.measured_at)
    except ValueError as error:
        raise BundleRefused(f"cannot merge: {bundle.measured_at!r:.40} is no moment") from error


def _merged(one: Bundle, other: Bundle) -> Bundle:
    experiments = zip(one.experiments, other.experiments, strict=True)
    return replace(
        one,
        measured_at=min(one, other, key=_moment).measured_at,
        machine=_merged_machine(one.machine, other.machine),
        experiments=tuple(_merged_experiment(*each) for each in experiments),
    )


def _merged_machine(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Facts that are the same once, others side by side."""
    return {
        name: one.get(name)
        if one.get(name) == other.get(name)
        else f"{one.get(name)}, {other.get(name)}"
        for name in {**one, **other}
    }


def _merged_experiment(one: Experiment, other: Experiment) -> Experiment:
    records = zip(one.records, other.records, strict=True)
    return replace(
        one,
        answers_equal=one.answers_equal and other.answers_equal,
        difference=one.difference or other.difference,
        records=tuple(left.merged(right) for left, right in records),
    )
