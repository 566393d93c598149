"""Accept-Encoding by the rules of RFC 9110: a table of headers and what they ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compression.accept_encoding import (
    NotAcceptable,
    accepts_identity,
    choose,
    weights,
)

PREFERRED = ("zstd", "br", "gzip")


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        (None, "identity"),
        ("", "identity"),
        (" , ,", "identity"),
        ("gzip", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("GZip", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, br", "br"),
        ("  gzip ,\tbr  ", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("gzip; q=0.8 , br ; q=0.9", "br"),
        ("gzip;Q=0.8, br;q=0.7", "gzip"),
        ("gzip;q=0.001", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0.000", "identity"),
        ("gzip;q=0, br;q=0, zstd;q=0", "identity"),
        ("deflate", "identity"),
        ("compress, unheard-of", "identity"),
        ("gzipped", "identity"),
        ("*", "zstd"),
        ("*;q=0.1", "zstd"),
        ("zstd;q=0, *", "br"),
        ("gzip, *;q=0.5", "gzip"),
        ("gzip, *;q=0", "gzip"),
        ("gzip;q=0.5, *;q=0.8", "zstd"),
        ("identity", "identity"),
        ("identity, gzip", "gzip"),  # as good to the client, so the server's preference counts
        ("identity;q=0.5, gzip;q=0.4", "identity"),
        ("identity;q=0.4, gzip;q=0.5", "gzip"),
        ("*;q=0.5, identity", "identity"),
        ("identity;q=1, *;q=0", "identity"),
        ("identity;q=0, gzip", "gzip"),
        ("identity;q=0, *", "zstd"),
        ("gzip;q=high", "identity"),
        ("gzip;q=", "identity"),
        ("gzip;q=2", "identity"),
        ("gzip;q=-1", "identity"),
        ("gzip;q=nan", "identity"),
        ("gzip;q=inf", "identity"),
        ("gzip;q=2, br", "br"),
        (";q=1, gzip", "gzip"),
        ("gzip;level=9", "gzip"),
        ("gzip;level=9;q=0", "identity"),
        ("\x00\xff=;;;,,gzip", "gzip"),
    ],
)
def test_the_coding_is_the_one_that_the_client_likes_best(header: str | None, coding: str) -> None:
    assert choose(header, PREFERRED) == coding


@pytest.mark.parametrize(
    "header",
    [
        "*;q=0",
        "identity;q=0",
        "identity;q=0, deflate",
        "identity;q=0, gzip;q=0",
        "gzip;q=0, *;q=0",
        "compress, *;q=0",
    ],
)
def test_a_client_that_takes_nothing_that_there_is_cannot_be_answered(header: str) -> None:
    with pytest.raises(NotAcceptable):
        choose(header, PREFERRED)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (None, True),
        ("", True),
        ("gzip", True),
        ("*", True),
        ("identity;q=0.1, *;q=0", True),
        ("identity;q=0", False),
        ("*;q=0", False),
        ("gzip, *;q=0", False),
    ],
)
def test_identity_is_acceptable_unless_it_is_ruled_out(header: str | None, accepted: bool) -> None:
    assert accepts_identity(header) is accepted


def test_weights_are_by_coding_in_lower_case() -> None:
    assert weights("BR;q=0.5, X-GZip, *;q=0") == {"br": 0.5, "gzip": 1.0, "*": 0.0}


@given(st.text(alphabet="gzipbrstd*identy;q=,.01 -x", max_size=60))
def test_whatever_the_header_a_coding_is_chosen_that_it_does_not_refuse(header: str) -> None:
    try:
        coding = choose(header, PREFERRED)
    except NotAcceptable:
        assert not accepts_identity(header)
        return
    asked = weights(header)
    assert coding in (*PREFERRED, "identity")
    assert asked.get(coding, asked.get("*", 1.0)) > 0
