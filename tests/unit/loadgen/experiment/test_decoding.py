"""Bodies in every coding that a service sends, and in some that none should."""

import gzip
import json

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
    "br": brotli.compress(BODY),
    "zstd": zstandard.ZstdCompressor().compress(BODY),
}


def response(body: bytes, coding: str, status: int = 200) -> Response:
    return Response(status, len(body), body, coding)


@pytest.mark.parametrize("coding", ENCODED)
def test_a_document_is_read_whatever_its_coding(coding: str) -> None:
    assert document_of(response(ENCODED[coding], coding)) == DOCUMENT


def test_a_frame_of_zstandard_that_does_not_say_its_size_is_read() -> None:
    compressor = zstandard.ZstdCompressor().compressobj()
    body = compressor.compress(BODY) + compressor.flush()
    assert document_of(response(body, "zstd")) == DOCUMENT


@pytest.mark.parametrize("coding", ENCODED)
def test_half_a_body_cannot_be_compared(coding: str) -> None:
    half = ENCODED[coding][: len(ENCODED[coding]) // 2]
    with pytest.raises(Undecodable):
        document_of(response(half, coding))


@pytest.mark.parametrize("coding", ENCODED)
@pytest.mark.parametrize("body", [b"", b"\x00nonsense"])
def test_a_body_that_is_not_what_it_says_cannot_be_compared(coding: str, body: bytes) -> None:
    with pytest.raises(Undecodable):
        document_of(response(body, coding))


def test_an_unknown_coding_is_named() -> None:
    with pytest.raises(Undecodable, match="'rot13'"):
        document_of(response(BODY, "rot13"))


def test_what_is_no_json_is_told_with_its_status() -> None:
    with pytest.raises(Undecodable, match="status 502, no JSON"):
        document_of(response(b"<html>", "", status=502))
