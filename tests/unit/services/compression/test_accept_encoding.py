"""Accept-Encoding by the rules of RFC 9110: the weight of each coding, and the coding chosen.

Two hundred generated headers are compared with an oracle that never parses a header.
"""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.compression.accept_encoding import parse_accept_encoding

OFFERED = ("zstd", "br", "gzip", "deflate")


def weights(header: str) -> dict[str, int]:
    found = parse_accept_encoding([header]).weights
    assert found is not None
    return dict(found)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", {}),
        (" , ,\t,", {}),
        ("gzip", {"gzip": 1000}),
        ("GZip", {"gzip": 1000}),
        ("x-gzip", {"gzip": 1000}),
        ("X-GZIP;Q=0.5", {"gzip": 500}),
        ("  gzip ,\tbr  ", {"gzip": 1000, "br": 1000}),
        ("gzip \t; \t q=0.25", {"gzip": 250}),
        ("br;q=1", {"br": 1000}),
        ("br;q=1.", {"br": 1000}),
        ("br;q=1.000", {"br": 1000}),
        ("br;q=0", {"br": 0}),
        ("br;q=0.", {"br": 0}),
        ("br;q=0.000", {"br": 0}),
        ("br;q=0.1", {"br": 100}),
        ("br;q=0.12", {"br": 120}),
        ("br;q=0.123", {"br": 123}),
        ("br;q=0.001", {"br": 1}),
        ("*;q=0, identity;q=0.5", {"*": 0, "identity": 500}),
        ("unheard-of;q=0.3", {"unheard-of": 300}),
        # The examples of RFC 9110, section 12.5.3.
        ("compress, gzip", {"compress": 1000, "gzip": 1000}),
        ("*", {"*": 1000}),
        ("compress;q=0.5, gzip;q=1.0", {"compress": 500, "gzip": 1000}),
        ("gzip;q=1.0, identity; q=0.5, *;q=0", {"gzip": 1000, "identity": 500, "*": 0}),
    ],
)
def test_a_header_yields_the_weights_that_the_rfc_defines(
    header: str, expected: dict[str, int]
) -> None:
    assert weights(header) == expected


@pytest.mark.parametrize(
    "element",
    [
        "br;q=high", "br;q=", "br;q", "br;", "br;q=2", "br;q=1.001", "br;q=-1", "br;q=+1",
        "br;q=.5", "br;q=0.1234", "br;q=1.0000", "br;q=nan", "br;q=inf", "br;q=1e0", "br;q= 1",
        "br;q =1", "br;level=4", "br;q=1;level=4", "br q=1", "b r", ";q=1", '"br"',
        "br=1", "b/r", "br;q=\u0660", "br\x00", "bŕ",
    ],
)  # fmt: skip
def test_a_malformed_element_is_ignored(element: str) -> None:
    assert weights(element) == {}
    assert weights(f"gzip;q=0.5, {element} ,zstd") == {"gzip": 500, "zstd": 1000}


@pytest.mark.parametrize(
    "header", ["br;q=0.9, br;q=0.3", "br;q=0.3, BR", "br;q=0.3,br;q=0.3", "br, gzip, br;q=0.3"]
)
def test_the_lower_weight_counts_for_a_coding_listed_twice(header: str) -> None:
    assert parse_accept_encoding([header]).weight("br") == 300


def test_without_a_header_every_coding_has_the_highest_weight() -> None:
    accepted = parse_accept_encoding([])
    assert [accepted.weight(coding) for coding in ("br", "identity", "*")] == [1000, 1000, 1000]


def test_the_wildcard_gives_its_weight_to_every_unlisted_coding() -> None:
    accepted = parse_accept_encoding(["br, *;q=0.4"])
    weights_of_codings = [accepted.weight(coding) for coding in ("br", "gzip", "identity")]
    assert weights_of_codings == [1000, 400, 400]


def test_several_lines_are_joined_with_commas() -> None:
    several, one = ["br;q=0.5", "", "gzip, *;q=0"], ["br;q=0.5,,gzip, *;q=0"]
    assert parse_accept_encoding(several) == parse_accept_encoding(one)


@pytest.mark.parametrize(
    ("lines", "acceptable", "refused"),
    [
        ([], ["gzip", "br", "identity", "unheard-of"], []),
        ([""], ["identity"], ["gzip", "br"]),
        (["gzip"], ["gzip", "identity"], ["br"]),
        (["*"], ["gzip", "br", "identity"], []),
        (["*;q=0"], [], ["gzip", "identity"]),
        (["gzip, *;q=0"], ["gzip"], ["br", "identity"]),
        (["identity;q=0"], [], ["gzip", "identity"]),
        (["identity;q=0.001, *;q=0"], ["identity"], ["gzip"]),
        (["identity;q=0, *"], ["gzip"], ["identity"]),
    ],
)
def test_codings_are_accepted_or_refused(
    lines: list[str], acceptable: list[str], refused: list[str]
) -> None:
    accepted = parse_accept_encoding(lines)
    assert [coding for coding in acceptable if not accepted.accepts(coding)] == []
    assert [coding for coding in refused if accepted.accepts(coding)] == []


def test_unlisted_identity_has_a_lower_weight_than_every_listed_coding() -> None:
    accepted = parse_accept_encoding(["gzip;q=0.001"])
    assert 0 < accepted.weight("identity") < accepted.weight("gzip")


@given(st.text(max_size=400))
def test_any_text_yields_weights_within_the_range(header: str) -> None:
    assert all(0 <= weight <= 1000 for weight in weights(header).values())


def test_a_short_header_is_parsed_once_and_a_long_header_each_time() -> None:
    short, long = ["a" * 200], ["a" * 201]
    assert parse_accept_encoding(short) is parse_accept_encoding(short)
    assert parse_accept_encoding(long) is not parse_accept_encoding(long)
    assert parse_accept_encoding(long) == parse_accept_encoding(long)


def test_the_results_of_256_headers_are_kept() -> None:
    first = parse_accept_encoding(["first"])
    for number in range(255):
        parse_accept_encoding([f"other-{number}"])
    assert parse_accept_encoding(["first"]) is first
    for number in range(256):
        parse_accept_encoding([f"another-{number}"])
    assert parse_accept_encoding(["first"]) is not first


def chosen(header: str | None, offered: tuple[str, ...] = OFFERED) -> str | None:
    return parse_accept_encoding([] if header is None else [header]).choose(offered)


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
        ("identity, gzip", "gzip"),  # equal weights: the server's preference counts
        ("identity;q=0.5, gzip;q=0.4", "identity"),
        ("*;q=0.5, identity", "identity"),
        ("identity;q=0, gzip", "gzip"),
        ("identity;q=0, *", "zstd"),
        ("gzip;q=2, br", "br"),
        ("*;q=0", None),
        ("identity;q=0", None),
        ("identity;q=0, compress", None),
        ("gzip;q=0, *;q=0", None),
        # The examples of RFC 9110, section 12.5.3.
        ("compress, gzip", "gzip"),
        ("compress;q=0.5, gzip;q=1.0", "gzip"),
        ("gzip;q=1.0, identity; q=0.5, *;q=0", "gzip"),
    ],
)
def test_the_coding_with_the_highest_weight_is_chosen(
    header: str | None, coding: str | None
) -> None:
    assert chosen(header) == coding


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("gzip, br", "br"),
        ("gzip", "identity"),
        ("gzip, *;q=0", None),
        ("br;q=0.1, *;q=0.5", "identity"),  # `*` applies only to identity, since br is listed
    ],
)
def test_only_an_offered_coding_is_chosen(header: str, coding: str | None) -> None:
    assert chosen(header, ("br",)) == coding


@dataclass(frozen=True)
class Element:
    """A coding with its weight, and one way to write it. A weight of None is not written."""

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
    """Different codings, written with empty and malformed elements between them."""
    chosen_elements = draw(st.lists(elements(), max_size=6, unique_by=lambda each: each.coding))
    noise = st.sampled_from(["", " ", "br;q=2", "zstd;q=0.0001", "gzip;q", "b r", "\t"])
    texts = [text for each in chosen_elements for text in (each.text, draw(noise))]
    return chosen_elements, draw(st.sampled_from([",", ", ", " ,\t"])).join(texts)


def oracle(listed: list[Element]) -> str | None:
    """Apply RFC 9110, section 12.5.3, rule by rule, to the elements instead of their text."""
    weight_of = {each.coding: 1000 if each.weight is None else each.weight for each in listed}
    acceptable: dict[str, float] = {}
    for coding in (*OFFERED, "identity"):
        if coding in weight_of:  # rule 3: a listed coding is acceptable unless its weight is 0
            weight: float = weight_of[coding]
        elif "*" in weight_of:  # rule 2: `*` matches every unlisted coding and identity
            weight = weight_of["*"]
        elif coding == "identity":  # rule 2: acceptable unless excluded
            weight = 0.001
        else:
            weight = 0
        if weight > 0:
            acceptable[coding] = weight
    if not acceptable:
        return None
    highest = max(acceptable.values())  # rule 4: the highest weight above 0 is preferred
    return next(coding for coding, weight in acceptable.items() if weight == highest)


@settings(max_examples=200, derandomize=True)
@given(headers())
def test_two_hundred_headers_yield_the_coding_that_the_rfc_defines(
    case: tuple[list[Element], str],
) -> None:
    listed, header = case
    assert chosen(header) == oracle(listed), header
