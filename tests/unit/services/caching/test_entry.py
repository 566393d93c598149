"""What is stored is what is read back; what is something else is nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.caching.entry import Entry

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.none() | st.binary(), st.integers(0, 2**64 - 1), finite, finite)
def test_it_is_read_back_as_it_was_stored(
    body: bytes | None, epoch: int, expires: float, seconds: float
) -> None:
    entry = Entry.of(body, epoch, expires, seconds)
    assert Entry.unpack(entry.pack()) == entry


@pytest.mark.parametrize(
    "stored", [b"", b"\x01", b'{"id": 1, "title": "of an earlier version"}' * 9]
)
def test_what_is_of_another_format_is_nothing(stored: bytes) -> None:
    assert Entry.unpack(stored) is None


def test_equal_bodies_have_equal_digests_whoever_stores_them() -> None:
    one, other = Entry.of(b"page", 1, 2, 3), Entry.of(b"page", 4, 5, 6)
    assert one.digest == other.digest != Entry.of(b"pagf", 1, 2, 3).digest
