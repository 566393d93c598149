"""Bundles and their files, for the tests of the writer and the reader."""

from pathlib import Path
from typing import Any

import orjson

from tests.unit.loadgen.evidence_factory import bundle, experiment, records

WHOLE = bundle(
    experiment(records([1.9, 2.0]), name="second"),
    experiment(records([1.0]), name="first", arms=("control", "optimized", "naive")),
    experiment(name="different", answers_equal=False, difference="?a=1 at $.x: naive 1"),
)
OTHER = bundle(experiment(records([3.0])))


def manifest_of(folder: Path) -> Any:
    return orjson.loads((folder / "manifest.json").read_bytes())


def blocks_of(folder: Path) -> Path:
    (path,) = folder.glob("blocks-*.jsonl")
    return path


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
