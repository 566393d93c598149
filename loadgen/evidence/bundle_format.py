"""The format of a bundle's files, shared by the writer and the reader.

`manifest.json` holds when, where and how the run was made; `blocks-….jsonl` has a line for each
block. The manifest names the blocks file and its checksum, and carries a checksum of its own.
"""

import hashlib
import re
from collections.abc import Mapping
from types import UnionType
from typing import Any

import orjson

from loadgen.evidence.bundle import Bundle, Experiment

FORMAT_NAME = "api-performance-lab bundle"
FORMAT = f"{FORMAT_NAME} 1"
MANIFEST_NAME = "manifest.json"
BLOCKS_NAME = re.compile(r"blocks-[0-9a-f]{12}\.jsonl")
#: The manifest's fields of a bundle and of each experiment, with their types.
BUNDLE_FIELDS: dict[str, type | UnionType] = {
    "measured_at": str,
    "git_revision": str,
    "machine": dict,
    "settings": dict,
}
EXPERIMENT_FIELDS: dict[str, type | UnionType] = {
    **dict.fromkeys(("name", "title", "workload", "baseline"), str),
    "arms": list,
    "answers_equal": bool,
    "difference": str | None,
}


def blocks_text(bundle: Bundle) -> bytes:
    lines = [
        orjson.dumps({"experiment": experiment.name, **record.as_document()})
        for experiment in bundle.experiments
        for record in experiment.records
    ]
    return b"".join(line + b"\n" for line in lines)


def blocks_name(blocks: bytes) -> str:
    return f"blocks-{digest(blocks)[:12]}.jsonl"


def manifest_text(bundle: Bundle, blocks: bytes) -> bytes:
    manifest = {
        "format": FORMAT,
        "blocks": {"file": blocks_name(blocks), "sha256": digest(blocks)},
        **{name: getattr(bundle, name) for name in BUNDLE_FIELDS},
        "experiments": [_description(each) for each in bundle.experiments],
    }
    return _indented(manifest | {"sha256": seal(manifest)})


def _description(experiment: Experiment) -> dict[str, Any]:
    """All of an experiment but its records."""
    return {name: getattr(experiment, name) for name in EXPERIMENT_FIELDS}


def seal(manifest: Mapping[str, Any]) -> str:
    """The checksum of a manifest; the manifest's own checksum is not covered."""
    return digest(_indented({name: each for name, each in manifest.items() if name != "sha256"}))


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _indented(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
