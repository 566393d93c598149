"""Accept-Encoding by the rules of RFC 9110: what each header says of each coding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compression.accept_encoding import parse


def weights(header: str) -> dict[str, int]:
    found = parse([header]).weights
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
        # RFC 9110, section 12.5.3: its examples.
        ("compress, gzip", {"compress": 1000, "gzip": 1000}),
        ("*", {"*": 1000}),
        ("compress;q=0.5, gzip;q=1.0", {"compress": 500, "gzip": 1000}),
        ("gzip;q=1.0, identity; q=0.5, *;q=0", {"gzip": 1000, "identity": 500, "*": 0}),
    ],
)
def test_a_header_is_read_as_the_rfc_writes_it(header: str, expected: dict[str, int]) -> None:
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
def test_an_element_that_is_not_well_formed_is_passed_over(element: str) -> None:
    assert weights(element) == {}
    assert weights(f"gzip;q=0.5, {element} ,zstd") == {"gzip": 500, "zstd": 1000}


@pytest.mark.parametrize(
    "header", ["br;q=0.9, br;q=0.3", "br;q=0.3, BR", "br;q=0.3,br;q=0.3", "br, gzip, br;q=0.3"]
)
def test_of_a_coding_named_twice_the_lower_weight_counts(header: str) -> None:
    assert parse([header]).weight("br") == 300


def test_several_lines_mean_what_one_with_commas_means() -> None:
    assert parse(["br;q=0.5", "", "gzip, *;q=0"]) == parse(["br;q=0.5,,gzip, *;q=0"])


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
def test_what_is_acceptable(lines: list[str], acceptable: list[str], refused: list[str]) -> None:
    accepted = parse(lines)
    assert [coding for coding in acceptable if not accepted.accepts(coding)] == []
    assert [coding for coding in refused if accepted.accepts(coding)] == []


def test_unmentioned_identity_is_liked_less_than_whatever_is_named() -> None:
    accepted = parse(["gzip;q=0.001"])
    assert 0 < accepted.weight("identity") < accepted.weight("gzip")


@given(st.text(max_size=400))
def test_no_text_makes_it_fail_or_leaves_the_range(header: str) -> None:
    assert all(0 <= weight <= 1000 for weight in weights(header).values())
