"""Accept, by the rules and examples of RFC 9110, section 12.5.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.media_type import MAXIMUM_CHARACTERS, best_media_type

JSON, MSGPACK = "application/json", "application/msgpack"
OFFERED = (JSON, MSGPACK)


def choose(accept: str, offered: tuple[str, ...] = OFFERED) -> str | None:
    return best_media_type([accept], offered)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        # No preference: the first offer.
        ("", JSON),
        (" ", JSON),
        ("*/*", JSON),
        ("*", JSON),  # old Java clients send this
        ("application/*", JSON),
        (f"{JSON}, {MSGPACK}", JSON),
        # By name.
        (JSON, JSON),
        (MSGPACK, MSGPACK),
        ("Application/MsgPack", MSGPACK),
        ("application/json;charset=utf-8", JSON),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
        # By quality.
        (f"{MSGPACK};q=0.5, {JSON};q=0.9", JSON),
        (f"{JSON};q=0.5, {MSGPACK};q=0.9", MSGPACK),
        (f"{MSGPACK};q=0.001", MSGPACK),
        (f"{JSON};Q=0.1,{MSGPACK} ; q=0.2", MSGPACK),
        # The most specific range decides, in any order and for any quality.
        (f"application/*;q=0.5, {JSON};q=0.1", MSGPACK),
        (f"{JSON};q=0.1, application/*;q=0.5", MSGPACK),
        (f"*/*;q=0.9, application/*;q=0.1, {MSGPACK};q=0.5", MSGPACK),
        (f"*/*;q=0.1, {MSGPACK};q=0.05", JSON),
        (f"{JSON};version=2;q=0.1, {JSON}, {MSGPACK};q=0.5", JSON),
        # Zero is a refusal.
        (f"{JSON};q=0, */*", MSGPACK),
        (f"{MSGPACK}, */*;q=0", MSGPACK),
        (f"{JSON};q=0.0, application/*;q=0.001", MSGPACK),
        (f"application/*;q=0, {JSON}", JSON),
        # Of equal qualities a named type beats a wildcard.
        (f"{MSGPACK}, */*", MSGPACK),
        # Empty elements, commas in quoted strings, and malformed elements are ignored.
        (f" , ,{MSGPACK},", MSGPACK),
        (f'text/plain;x="a, {JSON};q=0.1, ", {JSON}, {MSGPACK};q=0.5', JSON),
        (f'text/plain;x="a\\",b", {MSGPACK}', MSGPACK),
        (f"nonsense, {MSGPACK}", MSGPACK),
        (f"a/b/c, {JSON};q=0.5", JSON),
        (f"(a)/b, {JSON};q=0.5", JSON),
        (f"/json, application/, {MSGPACK}", MSGPACK),
        (f"{MSGPACK};q=0.5;q, {JSON};q=0.4", MSGPACK),
        (f"{JSON};q=0.5;;, {MSGPACK};q=0.6", MSGPACK),
        # Wildcards of one part.
        (f"*/msgpack, {JSON};q=0.9", MSGPACK),
        (f"text/json, {MSGPACK};q=0.1", MSGPACK),
        (f"*/*;q=0.5, */msgpack;q=0.6, application/*;q=0.4, {JSON};q=0.5", JSON),
        # A malformed quality counts as 1.
        (f"{JSON};q=0.9, {MSGPACK};q=high", MSGPACK),
        (f"{MSGPACK};q=high, {JSON};q=1", JSON),
        (f"{MSGPACK}, {JSON};q=1.0", JSON),
        (f"{JSON};q=0.9, {MSGPACK};q=2", MSGPACK),
        (f"{JSON};q=0.9, {MSGPACK};q=", MSGPACK),
        (f"{JSON};q=0.9, {MSGPACK};q=1.", MSGPACK),
        (f"{JSON};q=0.9, {MSGPACK};q=-1", MSGPACK),
        (f"{JSON};q=0.9, {MSGPACK};q=.95", MSGPACK),
        # Of equally specific ranges the one with fewer parameters counts, then the earlier.
        (f"{JSON};a=1;b=2;q=0.1, {JSON};a=1;q=0.9, {MSGPACK};q=0.5", JSON),
        (f"{JSON};a=1;q=0.9, {JSON};b=2;q=0.1, {MSGPACK};q=0.5", JSON),
        # A quote that is never closed extends to the end of the header.
        (f'{MSGPACK};q=0.5, text/plain;x="a, {JSON}', MSGPACK),
    ],
)
def test_the_best_offer_is_chosen(accept: str, chosen: str) -> None:
    assert choose(accept) == chosen


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "*/*;q=0",
        f"{JSON};q=0",
        f"{JSON};q=0, {MSGPACK};q=0.000, text/*",
        "application/*;q=0, */*",
        "text/*, image/*;q=0.5",
        "nonsense",
    ],
)
def test_no_offer_is_chosen_if_the_client_accepts_none(accept: str) -> None:
    assert choose(accept) is None


def test_several_lines_are_joined_with_commas() -> None:
    assert best_media_type([], OFFERED) == JSON
    assert best_media_type([f"{JSON};q=0.5", MSGPACK], OFFERED) == MSGPACK
    assert best_media_type(["text/html", "image/png"], OFFERED) is None


@pytest.mark.parametrize(
    ("parameter", "chosen"),
    [
        ('version="2"', "a/b;version=2"),
        (r'version="\2"', "a/b;version=2"),
        ("Version = 2", "a/b;version=2"),
        ('version="2', "a/b"),
        ('version="', "a/b"),
        ("version=3", "a/b"),
        ("version", "a/b"),
    ],
)
def test_a_range_with_an_offers_parameter_is_more_specific(parameter: str, chosen: str) -> None:
    assert choose(f"a/b;q=0.5, a/b;{parameter}", ("a/b", "a/b;version=2")) == chosen


@pytest.mark.parametrize(
    ("offered", "quality"),
    [
        ("text/plain;format=flowed", 1),
        ("text/plain", 0.7),
        ("text/html", 0.3),
        ("image/jpeg", 0.5),
        ("text/plain;format=fixed", 0.4),
    ],
)
def test_the_qualities_are_those_of_the_table_in_the_rfc(offered: str, quality: float) -> None:
    """Each type is offered with another type of a slightly lower, then slightly higher quality."""
    table = (
        "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed,"
        " text/plain;format=fixed;q=0.4, */*;q=0.5"
    )
    below, above = quality - 0.05, quality + 0.05
    assert choose(f"{table}, other/other;q={below:.2f}", (offered, "other/other")) == offered
    if above <= 1:
        assert choose(f"{table}, other/other;q={above:.2f}", (offered, "other/other")) != offered


@given(st.text(st.sampled_from('aj/*;q=01.,"\\ \t') | st.characters(codec="latin-1")))
def test_any_text_yields_an_offer_or_none(accept: str) -> None:
    assert choose(accept) in (*OFFERED, None)


def test_elements_that_end_after_the_maximum_length_are_ignored() -> None:
    assert MAXIMUM_CHARACTERS == 8192
    filler = "," * (MAXIMUM_CHARACTERS - len(MSGPACK))
    for rest in ("", ",", f",{JSON}", "," * 10_000):
        assert choose(f"{filler}{MSGPACK}{rest}") == MSGPACK
    assert choose(f"{filler},{MSGPACK}") is None
    assert choose("a" * (MAXIMUM_CHARACTERS + 1)) is None


# Headers that take quadratic time in a parser that goes back to an unclosed quote.
@pytest.mark.parametrize("unit", ['"', 'a/b;x="\\', "\\", "a/b ", ";", "a/", "a=", ";x=", '",'])
def test_a_hostile_header_of_the_maximum_length_accepts_nothing(unit: str) -> None:
    header = unit * (MAXIMUM_CHARACTERS // len(unit))
    assert choose(header) is None
    assert choose(f"{JSON},{header}") == JSON
