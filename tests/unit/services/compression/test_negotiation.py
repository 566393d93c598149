"""Which coding is sent: two hundred headers against an oracle that never reads a header."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.compression.accept_encoding import parse
from services.compression.negotiation import NotAcceptable, choose

OFFERED = ("zstd", "br", "gzip", "deflate")
REFUSED = "406"


def chosen(header: str | None, offered: tuple[str, ...] = OFFERED) -> str:
    try:
        return choose(parse([] if header is None else [header]), offered)
    except NotAcceptable:
        return REFUSED


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("gzip; q=0.8 , br ; q=0.801", "br"),
        ("gzip;q=0.001", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0, br;q=0, zstd;q=0", "identity"),
        ("compress, unheard-of", "identity"),
        ("gzipped", "identity"),
        ("*", "zstd"),
        ("zstd;q=0, *", "br"),
        ("gzip, *;q=0.5", "gzip"),
        ("gzip;q=0.5, *;q=0.8", "zstd"),
        ("identity", "identity"),
        ("identity, gzip", "gzip"),  # as good to the client, so the server's preference counts
        ("identity;q=0.5, gzip;q=0.4", "identity"),
        ("*;q=0.5, identity", "identity"),
        ("identity;q=0, gzip", "gzip"),
        ("identity;q=0, *", "zstd"),
        ("gzip;q=2, br", "br"),
        ("*;q=0", REFUSED),
        ("identity;q=0", REFUSED),
        ("identity;q=0, compress", REFUSED),
        ("gzip;q=0, *;q=0", REFUSED),
        # RFC 9110, section 12.5.3: its examples.
        ("compress, gzip", "gzip"),
        ("compress;q=0.5, gzip;q=1.0", "gzip"),
        ("gzip;q=1.0, identity; q=0.5, *;q=0", "gzip"),
    ],
)
def test_the_coding_is_the_one_that_the_client_likes_best(header: str | None, coding: str) -> None:
    assert chosen(header) == coding


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("gzip, br", "br"),
        ("gzip", "identity"),
        ("gzip, *;q=0", REFUSED),
        ("br;q=0.1, *;q=0.5", "identity"),  # of what is offered, only identity is meant by `*`
    ],
)
def test_what_is_not_offered_is_not_sent(header: str, coding: str) -> None:
    assert chosen(header, ("br",)) == coding


@dataclass(frozen=True)
class Element:
    """What a client means, and one of the ways to write it; no `weight`: none is written."""

    coding: str
    weight: int | None
    text: str


def written(weight: int | None) -> st.SearchStrategy[str]:
    if weight is None:
        return st.just("")
    digits = f"{weight // 1000}.{weight % 1000:03}"
    short = digits.rstrip("0")
    return st.sampled_from(sorted({digits, short, short.rstrip(".")})).flatmap(
        lambda number: st.sampled_from([f";q={number}", f"; Q={number}", f" ;\tq={number}"])
    )


@st.composite
def elements(draw: st.DrawFn) -> Element:
    coding = draw(st.sampled_from(["zstd", "br", "gzip", "deflate", "compress", "identity", "*"]))
    weight = draw(st.sampled_from([None, 0, 1, 10, 499, 500, 501, 999, 1000]))
    name = draw(st.sampled_from([coding, coding.upper(), coding.title()]))
    if coding == "gzip":
        name = draw(st.sampled_from(["gzip", "x-gzip", "X-GZip"]))
    return Element(coding, weight, name + draw(written(weight)))


@st.composite
def headers(draw: st.DrawFn) -> tuple[list[Element], str]:
    """Different codings, written with noise between them that means nothing."""
    chosen_elements = draw(st.lists(elements(), max_size=6, unique_by=lambda each: each.coding))
    noise = st.sampled_from(["", " ", "br;q=2", "zstd;q=0.0001", "gzip;q", "b r", "\t"])
    texts = [text for each in chosen_elements for text in (each.text, draw(noise))]
    return chosen_elements, draw(st.sampled_from([",", ", ", " ,\t"])).join(texts)


def oracle(meant: list[Element]) -> str:
    """RFC 9110, section 12.5.3, rule by rule, over what was meant and not over what was written."""
    weight_of = {each.coding: 1000 if each.weight is None else each.weight for each in meant}
    acceptable: dict[str, float] = {}
    for coding in (*OFFERED, "identity"):
        if coding in weight_of:  # 3.: listed, so acceptable unless its weight is 0
            weight: float = weight_of[coding]
        elif "*" in weight_of:  # `*` matches what is not listed, identity too (2.)
            weight = weight_of["*"]
        elif coding == "identity":  # 2.: acceptable unless excluded; liked less than what is listed
            weight = 0.001
        else:
            weight = 0
        if weight > 0:
            acceptable[coding] = weight
    if not acceptable:
        return REFUSED
    highest = max(acceptable.values())  # 4.: the highest weight that is not 0 is preferred
    return next(coding for coding, weight in acceptable.items() if weight == highest)


@settings(max_examples=200, derandomize=True)
@given(headers())
def test_two_hundred_headers_are_answered_as_the_rfc_says(case: tuple[list[Element], str]) -> None:
    meant, header = case
    assert chosen(header) == oracle(meant), header


def test_a_refusal_says_what_there_would_have_been() -> None:
    with pytest.raises(NotAcceptable, match="all of br, gzip, identity"):
        choose(parse(["*;q=0"]), ("br", "gzip"))
