"""Each coding undone by the library that a client would undo it with."""

import gzip
from collections.abc import Callable
from random import Random

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from services.compression.codings import CODINGS
from services.dataset.text import sentences

DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda body: zstandard.ZstdDecompressor().decompress(body),
    "br": brotli.decompress,
    "gzip": gzip.decompress,
}


def test_there_is_a_decoder_for_every_coding() -> None:
    assert CODINGS.keys() == DECODERS.keys()


@pytest.mark.parametrize("coding", CODINGS)
@given(body=st.binary(max_size=2_000))
def test_a_body_comes_back_as_it_was(coding: str, body: bytes) -> None:
    assert DECODERS[coding](CODINGS[coding](body)) == body


@pytest.mark.parametrize("coding", CODINGS)
def test_text_becomes_smaller(coding: str) -> None:
    body = sentences(Random(1), 200).encode()
    assert len(CODINGS[coding](body)) < len(body) / 1.5


@pytest.mark.parametrize("coding", CODINGS)
def test_the_same_body_is_encoded_to_the_same_bytes(coding: str) -> None:
    body = sentences(Random(2), 50).encode()
    assert CODINGS[coding](body) == CODINGS[coding](body)
