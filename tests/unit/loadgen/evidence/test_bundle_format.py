"""The texts of a bundle's files."""

import hashlib

import orjson

from loadgen.evidence.bundle_format import (
    BLOCKS_NAME,
    BUNDLE_FIELDS,
    EXPERIMENT_FIELDS,
    FORMAT,
    blocks_name,
    blocks_text,
    digest,
    manifest_text,
    seal,
)
from tests.unit.loadgen.evidence.bundles import WHOLE

BLOCKS = blocks_text(WHOLE)


def test_each_block_is_a_line_with_the_name_of_its_experiment() -> None:
    lines = BLOCKS.splitlines(keepends=True)
    assert all(line.endswith(b"\n") for line in lines)
    assert [orjson.loads(line)["experiment"] for line in lines] == ["second"] * 6 + ["first"] * 3


def test_the_blocks_file_is_named_after_its_checksum() -> None:
    assert digest(BLOCKS) == hashlib.sha256(BLOCKS).hexdigest()
    assert blocks_name(BLOCKS) == f"blocks-{digest(BLOCKS)[:12]}.jsonl"
    assert BLOCKS_NAME.fullmatch(blocks_name(BLOCKS))


def test_the_manifest_has_all_fields_and_both_checksums() -> None:
    manifest = orjson.loads(manifest_text(WHOLE, BLOCKS))
    assert manifest.keys() == {*BUNDLE_FIELDS, "format", "blocks", "experiments", "sha256"}
    assert manifest["format"] == FORMAT == "api-performance-lab bundle 1"
    assert manifest["blocks"] == {"file": blocks_name(BLOCKS), "sha256": digest(BLOCKS)}
    assert manifest["sha256"] == seal(manifest)
    assert all(each.keys() == EXPERIMENT_FIELDS.keys() for each in manifest["experiments"])


def test_the_manifest_is_indented_and_sorted() -> None:
    text = manifest_text(WHOLE, BLOCKS)
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    assert text == orjson.dumps(orjson.loads(text), option=options)


def test_the_seal_covers_every_field_but_itself() -> None:
    manifest = orjson.loads(manifest_text(WHOLE, BLOCKS))
    assert seal(manifest | {"sha256": "other"}) == seal(manifest)
    for name in manifest.keys() - {"sha256"}:
        assert seal(manifest | {name: "other"}) != seal(manifest)
