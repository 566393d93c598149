"""Each piece can be read before the next is written."""

from itertools import count
from random import Random

import pytest

from services.compression.codings import CODINGS
from services.compression.piecewise import Piecewise
from services.dataset.text import sentence
from tests.unit.services.compression.decoders import DECODERS, PIECE_DECODERS

PIECES = [sentence(Random(number)).encode() for number in range(20)]
each_coding = pytest.mark.parametrize("coding", [*CODINGS, "identity"])


@each_coding
def test_a_client_has_each_piece_as_soon_as_it_is_written(coding: str) -> None:
    encoder, decode = Piecewise(coding), PIECE_DECODERS[coding]()
    for piece in PIECES:
        assert decode(encoder.write(piece)) == piece
    assert decode(encoder.finish()) == b""


@each_coding
def test_all_pieces_together_are_one_body(coding: str) -> None:
    encoder = Piecewise(coding)
    sent = b"".join([*map(encoder.write, PIECES), encoder.finish()])
    assert DECODERS[coding](sent) == b"".join(PIECES)
    assert (encoder.before, encoder.after) == (len(b"".join(PIECES)), len(sent))


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_without_pieces_is_still_a_body(coding: str) -> None:
    assert DECODERS[coding](Piecewise(coding).finish()) == b""


def test_the_time_is_what_the_clock_says() -> None:
    clock = count().__next__  # a second passes whenever it is looked at
    encoder = Piecewise("gzip", clock=clock)
    encoder.write(b"text")
    encoder.finish()
    assert encoder.seconds == 2


def test_a_level_that_is_for_files_is_refused() -> None:
    with pytest.raises(ValueError, match="levels 1 to 9"):
        Piecewise("br", 11)
