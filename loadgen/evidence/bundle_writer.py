"""Writes a bundle into a folder, completely or not at all.

The manifest names the blocks file by its checksum and is put in place last, in one step. So at any
instant, also after a crash, the folder holds the old bundle or the new one. Other files in the
folder stay.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from loadgen.evidence.bundle import Bundle, BundleRefused, check_consistent
from loadgen.evidence.bundle_format import (
    BLOCKS_NAME,
    FORMAT_NAME,
    MANIFEST_NAME,
    blocks_name,
    blocks_text,
    manifest_text,
)

_PART = ".part"


def check_place(folder: Path) -> None:
    """Check before a run that its bundle can be written there. Raises as write_bundle."""
    if folder.exists() and not folder.is_dir():
        raise BundleRefused(f"{folder} is a file; name a folder")
    manifest = folder / MANIFEST_NAME
    if manifest.exists() and FORMAT_NAME.encode() not in manifest.read_bytes():
        raise BundleRefused(
            f"{folder}: its {MANIFEST_NAME} belongs to another program; name another folder"
        )
    made = _make(folder)
    try:
        _write_through(folder / f"{MANIFEST_NAME}{_PART}", b"")
    finally:
        _tidy(folder, made)


def write_bundle(folder: Path, bundle: Bundle) -> None:
    """Write the bundle into the folder and replace the bundle that is there.

    Raises OSError if it cannot be written, and BundleRefused if it contradicts itself and could
    not be read again. In both cases the folder is left as it was.
    """
    check_consistent(bundle)
    check_place(folder)
    blocks = blocks_text(bundle)
    texts = {blocks_name(blocks): blocks, MANIFEST_NAME: manifest_text(bundle, blocks)}
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


def _make(folder: Path) -> list[Path]:
    """Create the folder; return the folders that did not exist, innermost first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _write_through(path: Path, text: bytes) -> None:
    """Return when the text is on the disk; else a rename could reach the disk before the text."""
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
    """Remove a bundle's files that the manifest does not name, and the folders `made` if empty.

    Such files are left of the previous bundle, or of a run that failed or was killed.
    """
    manifest = folder / MANIFEST_NAME
    named = manifest.read_text("utf-8", "replace") if manifest.exists() else ""
    for path in folder.iterdir():
        if path.name == f"{MANIFEST_NAME}{_PART}" or (
            BLOCKS_NAME.fullmatch(path.name.removesuffix(_PART)) and f'"{path.name}"' not in named
        ):
            path.unlink(missing_ok=True)
    for each in made:
        with suppress(OSError):  # not empty: it holds the bundle, or another program's files
            each.rmdir()
