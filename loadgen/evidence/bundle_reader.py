"""Reads a bundle from its folder, and refuses one that is damaged or contradicts itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any

import orjson

from loadgen.evidence.block_record import Record
from loadgen.evidence.bundle import Bundle, BundleRefused, Experiment, check_consistent
from loadgen.evidence.bundle_format import (
    BLOCKS_NAME,
    BUNDLE_FIELDS,
    EXPERIMENT_FIELDS,
    FORMAT,
    MANIFEST_NAME,
    digest,
    seal,
)


def read_bundle(folder: Path) -> Bundle:
    """Raises BundleRefused with one line that names the folder and what is wrong with it."""
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
        raise BundleRefused(f"a field of the bundle is missing or wrong: {error!r:.200}") from error
    check_consistent(bundle)
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
    if seal(manifest) != manifest.get("sha256"):
        raise BundleRefused(f"{MANIFEST_NAME} was changed: its checksum differs")
    return manifest


def _read_blocks(folder: Path, file: str, sha256: str) -> bytes:
    if not BLOCKS_NAME.fullmatch(file):
        raise BundleRefused(f"{file!r:.60} cannot be the name of its blocks")
    blocks = _read_file(folder / file)
    if digest(blocks) != sha256:
        raise BundleRefused(f"{file} was changed: its checksum differs")
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
    fields = {name: _typed(manifest, name, kind) for name, kind in BUNDLE_FIELDS.items()}
    experiments = tuple(
        _experiment_from(each, records[each["name"]]) for each in manifest["experiments"]
    )
    return Bundle(**fields, experiments=experiments)


def _experiment_from(entry: Mapping[str, Any], records: list[Record]) -> Experiment:
    fields = {name: _typed(entry, name, kind) for name, kind in EXPERIMENT_FIELDS.items()}
    fields |= {"arms": tuple(map(str, entry["arms"])), "records": tuple(records)}
    return Experiment(**fields)


def _typed(document: Mapping[str, Any], name: str, kind: type | UnionType) -> Any:
    """The field's value. Raises TypeError if it has another type."""
    value = document[name]
    if not isinstance(value, kind):
        raise TypeError(f"{name} cannot be {value!r:.40}")
    return value
