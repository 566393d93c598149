"""Accept, by the rules and examples of RFC 9110, section 12.5.1."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.json_serialization.media_type import NotAcceptable, choose

JSON, MSGPACK = "application/json", "application/msgpack"
OFFERED = (JSON, MSGPACK)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        # No preference: the first that is offered.
        ("", JSON),
        (" ", JSON),
        ("*/*", JSON),
        ("*", JSON),  # what old Java clients send
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
        # The most specific range decides, whatever the order and its quality.
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
        # Named beats wildcard among equals.
        (f"{MSGPACK}, */*", MSGPACK),
        # Empty elements, commas in quoted strings, and nonsense do no harm.
        (f" , ,{MSGPACK},", MSGPACK),
        (f'text/plain;x="a, {JSON};q=0.1, ", {JSON}, {MSGPACK};q=0.5', JSON),
        (f'text/plain;x="a\\",b", {MSGPACK}', MSGPACK),
        (f"nonsense, {MSGPACK}", MSGPACK),
        (f"a/b/c, {JSON};q=0.5", JSON),
    ],
)
def test_what_is_chosen(accept: str, chosen: str) -> None:
    assert choose(accept, OFFERED) == chosen


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
def test_what_is_refused(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        choose(accept, OFFERED)


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
def test_the_table_of_the_rfc(offered: str, quality: float) -> None:
    """Each type is offered with another of known quality: just below its own, and just above."""
    table = (
        "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed,"
        " text/plain;format=fixed;q=0.4, */*;q=0.5"
    )
    below, above = quality - 0.05, quality + 0.05
    assert choose(f"{table}, other/other;q={below:.2f}", (offered, "other/other")) == offered
    if above <= 1:
        assert choose(f"{table}, other/other;q={above:.2f}", (offered, "other/other")) != offered


@given(st.text(st.sampled_from('aj/*;q=01.,"\\ \t') | st.characters(codec="latin-1")))
def test_no_header_breaks_it(accept: str) -> None:
    with suppress(NotAcceptable):
        assert choose(accept, OFFERED) in OFFERED
