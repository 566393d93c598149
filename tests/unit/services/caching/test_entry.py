"""The binary format of cache entries, and their digests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.caching.entry import Entry

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.none() | st.binary(), st.integers(0, 2**64 - 1), finite, finite)
def test_unpacking_a_packed_entry_gives_the_same_entry(
    body: bytes | None, epoch: int, expires_at: float, load_seconds: float
) -> None:
    entry = Entry.of(body, epoch, expires_at, load_seconds)
    assert Entry.unpack(entry.pack()) == entry


@pytest.mark.parametrize(
    "stored", [b"", b"\x01", b'{"id": 1, "title": "of an earlier version"}' * 9]
)
def test_unpacking_another_format_gives_none(stored: bytes) -> None:
    assert Entry.unpack(stored) is None


def test_unpacking_bytes_shorter_than_the_header_gives_none() -> None:
    without_body = Entry.of(b"", 1, 2, 3).pack()
    assert Entry.unpack(without_body) is not None
    assert Entry.unpack(without_body[:-1]) is None


def test_the_packed_format_is_stable() -> None:
    """Entries that an earlier release stored stay readable."""
    packed = Entry(b"page", 7, 2.0, 0.5, b"0123456789abcdef").pack()
    expected = "01010000000000000007" + "4000000000000000" + "3fe0000000000000"
    assert packed == bytes.fromhex(expected) + b"0123456789abcdef" + b"page"


def test_digests_of_equal_bodies_are_equal() -> None:
    one, other = Entry.of(b"page", 1, 2, 3), Entry.of(b"page", 4, 5, 6)
    assert one.digest == other.digest != Entry.of(b"pagf", 1, 2, 3).digest
    assert len(one.digest) == 16
