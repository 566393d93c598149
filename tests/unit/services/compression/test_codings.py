"""Each coding can be decoded, and no request reaches the levels that are for files."""

import zlib
from collections.abc import Callable
from itertools import product
from threading import Thread

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from services.compression.codings import CODINGS, FILE_CODINGS, Coding
from services.compression.technique import TECHNIQUE
from tests.unit.services.compression.decoders import DECODERS, PIECE_DECODERS, prose

KIB = 1024
SIZES = (0, 1, KIB, 32 * KIB, 64 * KIB, 128 * KIB, KIB * KIB, 100 * KIB * KIB)
#: RFC 9659: the largest zstd window that an HTTP client must support.
ZSTD_WINDOW_BYTES = 8 * KIB * KIB
LEVEL = TECHNIQUE.swept()["level"]

each_coding = pytest.mark.parametrize("coding", CODINGS.values(), ids=CODINGS)


def reachable(coding: Coding) -> set[int]:
    """Return every level at which a request can have its response encoded."""
    sizes = {size + more for size, more in product(SIZES, (-1, 0, 1)) if size + more >= 0}
    requested = range(LEVEL.minimum, LEVEL.maximum + 1)
    return {coding.level(size, level) for size, level in product(sizes, requested)}


@each_coding
def test_a_request_reaches_only_the_levels_1_to_9(coding: Coding) -> None:
    assert reachable(coding) == set(range(1, 10))


@pytest.mark.parametrize("level", [-1, 0, 10, 11, 22])
@each_coding
def test_a_level_outside_the_range_is_refused(coding: Coding, level: int) -> None:
    with pytest.raises(ValueError, match="levels 1 to 9"):
        coding.encode(b"text", level)
    with pytest.raises(ValueError, match="levels 1 to 9"):
        coding.open(level)
    if level:
        with pytest.raises(ValueError, match="levels 1 to 9"):
            coding.level(100, level)


@each_coding
def test_no_level_of_a_request_yields_the_bytes_of_brotlis_file_level(coding: Coding) -> None:
    body = prose(100)
    best = brotli.compress(body, mode=brotli.MODE_TEXT, quality=11)
    assert best not in [coding.encode(body, level) for level in reachable(coding)]


@each_coding
def test_the_level_never_rises_with_the_size(coding: Coding) -> None:
    levels = [coding.level(size) for size in SIZES]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > levels[-1]


@pytest.mark.parametrize(
    ("name", "small_bytes", "small_level", "large_level"),
    [
        ("zstd", 1024 * KIB, 3, 1),
        ("br", 64 * KIB, 5, 4),
        ("gzip", 32 * KIB, 6, 4),
        ("deflate", 32 * KIB, 6, 4),
    ],
)
def test_the_level_falls_at_one_size(
    name: str, small_bytes: int, small_level: int, large_level: int
) -> None:
    coding = CODINGS[name]
    assert coding.level(small_bytes) == small_level
    assert coding.level(small_bytes + 1) == large_level


@pytest.mark.parametrize(
    ("name", "inline_bytes"),
    [("zstd", 256 * KIB), ("br", 64 * KIB), ("gzip", 64 * KIB), ("deflate", 64 * KIB)],
)
def test_encoding_is_quick_up_to_one_size_and_the_small_level(name: str, inline_bytes: int) -> None:
    coding = CODINGS[name]
    small_level = coding.level(0)
    assert coding.is_quick(inline_bytes, small_level)
    assert not coding.is_quick(inline_bytes + 1, small_level)
    assert not coding.is_quick(inline_bytes, small_level + 1)


@pytest.mark.parametrize("name", [*FILE_CODINGS, "deflate"])
def test_files_are_encoded_at_the_best_level_that_clients_can_decode(name: str) -> None:
    body = prose(100)
    encoded = CODINGS[name].encode_file(body)
    assert DECODERS[name](encoded) == body
    best: dict[str, Callable[[], bytes]] = {
        "br": lambda: brotli.compress(body, mode=brotli.MODE_TEXT, quality=11),
        "zstd": lambda: zstandard.ZstdCompressor(level=19).compress(body),
        "gzip": lambda: CODINGS["gzip"].encode(body, 9),
        "deflate": lambda: zlib.compress(body, 9),
    }
    assert encoded == best[name]()


@each_coding
def test_each_piece_of_a_stream_can_be_decoded_at_once(coding: Coding) -> None:
    stream, decode = coding.open(5), PIECE_DECODERS[coding.name]()
    for piece in (b"one", b"two"):
        assert decode(stream.write(piece)) == piece
    assert decode(stream.finish()) == b""


@each_coding
def test_slow_encoding_is_not_done_on_the_event_loop(coding: Coding) -> None:
    assert coding.is_quick(10 * KIB, coding.level(10 * KIB))
    assert not coding.is_quick(10 * KIB, 9)
    assert not coding.is_quick(KIB * KIB, coding.level(KIB * KIB))


@each_coding
@given(body=st.binary(max_size=2_000), level=st.integers(1, 9))
def test_an_encoded_body_decodes_to_the_same_body(coding: Coding, body: bytes, level: int) -> None:
    assert DECODERS[coding.name](coding.encode(body, level)) == body


@each_coding
def test_text_shrinks_by_half_at_the_default_level(coding: Coding) -> None:
    body = prose(200)
    assert len(coding.encode(body, coding.level(len(body)))) < len(body) / 2


@each_coding
def test_encoding_the_same_body_twice_yields_the_same_bytes(coding: Coding) -> None:
    body = prose(50)
    assert coding.encode(body, 5) == coding.encode(body, 5)


@each_coding
def test_encoding_releases_the_gil(coding: Coding) -> None:
    """Otherwise encoding in a thread would block the event loop."""
    thread = Thread(target=coding.encode, args=(prose(20_000), 5))
    turns = 0
    thread.start()
    while thread.is_alive():
        turns += 1
    assert turns > 100  # tens of thousands in practice, a handful if the GIL is held


def test_deflate_has_the_zlib_format() -> None:
    # RFC 1950: method 8 in the low bits, and the two bytes are a multiple of 31.
    head = CODINGS["deflate"].encode(b"text", 6)[:2]
    assert head[0] & 0x0F == 8
    assert int.from_bytes(head) % 31 == 0


@pytest.mark.parametrize("level", range(1, 10))
def test_zstd_needs_at_most_the_window_that_http_allows(level: int) -> None:
    # The length is unknown at the start, so the window is the level's and not cut to the body.
    stream = CODINGS["zstd"].open(level)
    head = stream.write(b"text") + stream.finish()
    assert 0 < zstandard.get_frame_parameters(head).window_size <= ZSTD_WINDOW_BYTES
