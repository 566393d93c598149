"""Files encoded beforehand: in every coding that makes them smaller, and nothing but files."""

from pathlib import Path
from random import Random

import brotli
import pytest
import zstandard

from services.compression.accept_encoding import parse
from services.compression.negotiation import NotAcceptable
from services.compression.static_files import load, prepared
from tests.unit.services.compression.decoders import DECODERS, prose

TEXT = prose(40)


def test_a_text_is_there_in_every_coding_at_its_best_level() -> None:
    bodies = prepared(TEXT, "text/plain").bodies
    assert bodies.keys() == {"br", "zstd", "gzip", "identity"}
    assert all(DECODERS[coding](body) == TEXT for coding, body in bodies.items())
    assert bodies["br"] == brotli.compress(TEXT, mode=brotli.MODE_TEXT, quality=11)
    assert bodies["zstd"] == zstandard.ZstdCompressor(level=19).compress(TEXT)
    assert zstandard.get_frame_parameters(bodies["zstd"]).window_size <= 8 << 20


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, zstd", "zstd"),
        ("gzip", "gzip"),
        ("deflate", "identity"),
        ("", "identity"),
    ],
)
def test_for_files_the_smallest_is_preferred(header: str, coding: str) -> None:
    assert prepared(TEXT, "text/plain").choose(parse([header])) == coding


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(TEXT, "image/png"), (b"short", "text/plain"), (Random(1).randbytes(5_000), "text/plain")],
)
def test_what_is_not_worth_it_is_kept_as_it_is(body: bytes, content_type: str) -> None:
    file = prepared(body, content_type)
    assert file.bodies == {"identity": body}
    with pytest.raises(NotAcceptable):
        file.choose(parse(["identity;q=0"]))


def test_only_the_files_of_a_folder_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "page.CSS").write_bytes(TEXT)
    (tmp_path / "unknown").write_bytes(TEXT)
    (tmp_path / ".hidden").write_bytes(TEXT)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "deeper.css").write_bytes(TEXT)
    files = load(tmp_path)
    assert {name: file.content_type for name, file in files.items()} == {
        "page.CSS": "text/css",
        "unknown": "application/octet-stream",
    }
