"""Precompressed files: in every coding that makes them smaller, and only files of the folder."""

from pathlib import Path
from random import Random

import brotli
import pytest
import zstandard

from services.compression.accept_encoding import parse_accept_encoding
from services.compression.body_encoder import MINIMUM_BYTES
from services.compression.codings import CODINGS
from services.compression.precompressed_files import load_folder, precompress
from tests.unit.services.compression.decoders import DECODERS, prose

TEXT = prose(40)


def test_a_text_is_encoded_in_every_coding_at_its_file_level() -> None:
    bodies = precompress(TEXT, "text/plain").bodies
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
def test_the_smallest_coding_is_preferred_for_files(header: str, coding: str) -> None:
    assert precompress(TEXT, "text/plain").choose(parse_accept_encoding([header])) == coding


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(TEXT, "image/png"), (b"short", "text/plain"), (Random(1).randbytes(5_000), "text/plain")],
)
def test_a_file_that_is_not_worth_encoding_is_kept_as_identity_only(
    body: bytes, content_type: str
) -> None:
    file = precompress(body, content_type)
    assert file.bodies == {"identity": body}
    assert file.offered == ()
    assert file.choose(parse_accept_encoding(["identity;q=0"])) is None


def test_text_of_the_minimum_length_is_encoded() -> None:
    body = b"a" * MINIMUM_BYTES
    assert precompress(body, "text/plain").offered == ("br", "zstd", "gzip")
    assert precompress(body[1:], "text/plain").offered == ()


def test_a_coding_that_yields_the_same_length_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    # A shorter body than in production: only there a coding can save exactly as much as it adds.
    monkeypatch.setattr("services.compression.precompressed_files.MINIMUM_BYTES", 1)
    bodies = [b"abcdefgh" + b"a" * length for length in range(60)]
    same = [body for body in bodies if len(CODINGS["gzip"].encode_file(body)) == len(body)]
    assert same
    for body in same:
        assert "gzip" not in precompress(body, "text/plain").bodies


def test_only_visible_files_of_the_folder_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "page.CSS").write_bytes(TEXT)
    (tmp_path / "unknown").write_bytes(TEXT)
    (tmp_path / ".hidden").write_bytes(TEXT)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "deeper.css").write_bytes(TEXT)
    files = load_folder(tmp_path)
    assert {name: file.content_type for name, file in files.items()} == {
        "page.CSS": "text/css",
        "unknown": "application/octet-stream",
    }
