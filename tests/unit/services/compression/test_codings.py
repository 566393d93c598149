"""What each coding sends can be read, and no request reaches the levels that are for files."""

from itertools import product
from threading import Thread

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from services.compression.codings import CODINGS, Coding
from services.compression.technique import TECHNIQUE
from tests.unit.services.compression.decoders import DECODERS, prose

KIB = 1024
SIZES = (0, 1, KIB, 32 * KIB, 64 * KIB, 128 * KIB, KIB * KIB, 100 * KIB * KIB)
#: RFC 9659: the largest window of zstd that a client of HTTP must be able to keep.
ZSTD_WINDOW_BYTES = 8 * KIB * KIB
LEVEL = TECHNIQUE.swept()["level"]

each_coding = pytest.mark.parametrize("coding", CODINGS.values(), ids=CODINGS)


def reachable(coding: Coding) -> set[int]:
    """Every level that a request can have its answer encoded at."""
    sizes = {size + more for size, more in product(SIZES, (-1, 0, 1)) if size + more >= 0}
    asked = range(LEVEL.minimum, LEVEL.maximum + 1)
    return {coding.level(size, level) for size, level in product(sizes, asked)}


@each_coding
def test_a_request_reaches_the_levels_up_to_9_and_no_other(coding: Coding) -> None:
    assert reachable(coding) == set(range(1, 10))


@pytest.mark.parametrize("level", [-1, 0, 10, 11, 22])
@each_coding
def test_whatever_asks_for_a_higher_level_is_refused(coding: Coding, level: int) -> None:
    with pytest.raises(ValueError, match="levels 1 to 9"):
        coding.encode(b"text", level)
    with pytest.raises(ValueError, match="levels 1 to 9"):
        coding.open(level)
    if level:
        with pytest.raises(ValueError, match="levels 1 to 9"):
            coding.level(100, level)


@each_coding
def test_of_the_levels_below_10_none_is_brotlis_best(coding: Coding) -> None:
    body = prose(100)
    best = brotli.compress(body, mode=brotli.MODE_TEXT, quality=11)
    assert best not in [coding.encode(body, level) for level in reachable(coding)]


@each_coding
def test_a_large_body_has_no_higher_level_than_a_small_one(coding: Coding) -> None:
    levels = [coding.level(size) for size in SIZES]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > levels[-1]


@each_coding
def test_what_takes_long_is_no_work_for_the_event_loop(coding: Coding) -> None:
    assert coding.is_quick(10 * KIB, coding.level(10 * KIB))
    assert not coding.is_quick(10 * KIB, 9)
    assert not coding.is_quick(KIB * KIB, coding.level(KIB * KIB))


@each_coding
@given(body=st.binary(max_size=2_000), level=st.integers(1, 9))
def test_a_body_comes_back_as_it_was(coding: Coding, body: bytes, level: int) -> None:
    assert DECODERS[coding.name](coding.encode(body, level)) == body


@each_coding
def test_text_becomes_half_as_long_at_its_own_level(coding: Coding) -> None:
    body = prose(200)
    assert len(coding.encode(body, coding.level(len(body)))) < len(body) / 2


@each_coding
def test_the_same_body_is_encoded_to_the_same_bytes(coding: Coding) -> None:
    body = prose(50)
    assert coding.encode(body, 5) == coding.encode(body, 5)


@each_coding
def test_other_threads_run_while_a_body_is_encoded(coding: Coding) -> None:
    """The interpreter is let go of: else a thread of its own would not free the event loop."""
    thread = Thread(target=coding.encode, args=(prose(20_000), 5))
    turns = 0
    thread.start()
    while thread.is_alive():
        turns += 1
    assert turns > 100  # tens of thousands; a handful where it is held


def test_deflate_is_in_the_format_of_zlib() -> None:
    # RFC 1950: method 8 in the low bits, and the two bytes a multiple of 31.
    head = CODINGS["deflate"].encode(b"text", 6)[:2]
    assert head[0] & 0x0F == 8
    assert int.from_bytes(head) % 31 == 0


@pytest.mark.parametrize("level", range(1, 10))
def test_zstd_needs_no_larger_window_than_http_allows(level: int) -> None:
    # One piece of unknown length: the window is the level's own, and not cut to the body.
    stream = CODINGS["zstd"].open(level)
    head = stream.write(b"text") + stream.finish()
    assert 0 < zstandard.get_frame_parameters(head).window_size <= ZSTD_WINDOW_BYTES
