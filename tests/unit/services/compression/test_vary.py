"""Vary: added to, never overwritten."""

import pytest

from services.compression.vary import merged


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], "Accept-Encoding"),
        ([""], "Accept-Encoding"),
        (["Origin"], "Origin, Accept-Encoding"),
        (["Origin,Accept-Language"], "Origin, Accept-Language, Accept-Encoding"),
        (["Origin", " Cookie , "], "Origin, Cookie, Accept-Encoding"),
        (["accept-encoding"], "accept-encoding"),
        (["Origin, ACCEPT-ENCODING"], "Origin, ACCEPT-ENCODING"),
        (["X-Accept-Encoding"], "X-Accept-Encoding, Accept-Encoding"),
        (["*"], "*"),
        (["Origin", "*"], "*"),
    ],
)
def test_the_field_is_named_once_and_nothing_is_lost(lines: list[str], expected: str) -> None:
    assert merged(lines, "Accept-Encoding") == expected
