"""PiecewiseEncoder: the client can decode each piece before the next one is written."""

from itertools import count
from random import Random

import pytest

from services.compression.codings import CODINGS
from services.compression.piecewise_encoder import PiecewiseEncoder
from services.dataset.text import sentence
from tests.unit.services.compression.decoders import DECODERS, PIECE_DECODERS, prose

PIECES = [sentence(Random(number)).encode() for number in range(20)]
each_coding = pytest.mark.parametrize("coding", [*CODINGS, "identity"])


@each_coding
def test_each_piece_can_be_decoded_before_the_next_is_written(coding: str) -> None:
    encoder, decode = PiecewiseEncoder(coding), PIECE_DECODERS[coding]()
    for piece in PIECES:
        assert decode(encoder.write(piece)) == piece
    assert decode(encoder.finish()) == b""


@each_coding
def test_all_pieces_together_decode_as_one_body(coding: str) -> None:
    encoder = PiecewiseEncoder(coding)
    sent = b"".join([*map(encoder.write, PIECES), encoder.finish()])
    assert DECODERS[coding](sent) == b"".join(PIECES)
    assert (encoder.plain_bytes, encoder.encoded_bytes) == (len(b"".join(PIECES)), len(sent))


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_without_pieces_decodes_as_empty(coding: str) -> None:
    assert DECODERS[coding](PiecewiseEncoder(coding).finish()) == b""


def test_seconds_are_the_time_between_the_readings_of_the_clock() -> None:
    clock = count(5).__next__  # each reading advances it by a second
    encoder = PiecewiseEncoder("gzip", clock=clock)
    encoder.write(b"text")
    encoder.finish()
    assert encoder.seconds == 2


def test_the_file_level_is_refused() -> None:
    with pytest.raises(ValueError, match="levels 1 to 9"):
        PiecewiseEncoder("br", 11)


@pytest.mark.parametrize(
    ("coding", "level", "other"), [("zstd", 3, 1), ("br", 5, 4), ("gzip", 4, 6), ("deflate", 4, 6)]
)
def test_the_default_level_equals_the_level_of_a_body_of_64_kib(
    coding: str, level: int, other: int
) -> None:
    text = prose(200)
    encoded = PiecewiseEncoder(coding).write(text)
    assert encoded == PiecewiseEncoder(coding, level).write(text)
    assert encoded != PiecewiseEncoder(coding, other).write(text)


def test_nothing_is_counted_before_the_first_piece() -> None:
    encoder = PiecewiseEncoder("identity")
    assert (encoder.plain_bytes, encoder.encoded_bytes, encoder.seconds) == (0, 0, 0)
