"""Decoding: every content coding of the services, damaged bodies, unknown codings."""

import gzip
import json
import zlib

import brotli
import pytest
import zstandard

from loadgen.experiment.decoding import Undecodable, document_of
from loadgen.sending.connection import Response

DOCUMENT = {"items": [1, 2.5, None, True, "\u00e9"]}
BODY = json.dumps(DOCUMENT).encode()
ENCODED = {
    "": BODY,
    "identity": BODY,
    "gzip": gzip.compress(BODY),
    "deflate": zlib.compress(BODY),
    "br": brotli.compress(BODY),
    "zstd": zstandard.ZstdCompressor().compress(BODY),
}


def response(body: bytes, coding: str, status: int = 200) -> Response:
    return Response(status, len(body), body, coding)


@pytest.mark.parametrize("coding", ENCODED)
def test_a_document_is_decoded_from_every_coding(coding: str) -> None:
    assert document_of(response(ENCODED[coding], coding)) == DOCUMENT


def test_a_zstandard_frame_without_a_size_is_decoded() -> None:
    compressor = zstandard.ZstdCompressor().compressobj()
    body = compressor.compress(BODY) + compressor.flush()
    assert document_of(response(body, "zstd")) == DOCUMENT


@pytest.mark.parametrize("coding", ENCODED)
def test_half_a_body_is_undecodable(coding: str) -> None:
    half = ENCODED[coding][: len(ENCODED[coding]) // 2]
    with pytest.raises(Undecodable):
        document_of(response(half, coding))


@pytest.mark.parametrize("coding", ENCODED)
@pytest.mark.parametrize("body", [b"", b"\x00nonsense"])
def test_a_body_in_another_coding_is_undecodable(coding: str, body: bytes) -> None:
    with pytest.raises(Undecodable):
        document_of(response(body, coding))


def test_a_gzip_body_needs_the_header_of_gzip() -> None:
    with pytest.raises(Undecodable, match="the body is not gzip"):
        document_of(response(zlib.compress(BODY), "gzip"))


def test_an_unknown_coding_is_reported_with_the_known_ones() -> None:
    with pytest.raises(
        Undecodable, match=r"'rot13' is not supported: only identity, gzip, deflate, br, zstd$"
    ):
        document_of(response(BODY, "rot13"))


def test_a_body_that_is_not_json_is_reported_with_its_status() -> None:
    with pytest.raises(Undecodable, match="status 502 is not JSON"):
        document_of(response(b"<html>", "", status=502))
