"""Entity tags that differ by coding, and Vary, which is extended and never overwritten."""

import pytest

from services.compression.response_headers import (
    entity_tag,
    extended_vary,
    is_among,
    tag_of_coding,
)


def test_a_tag_is_a_quoted_digest_of_the_bytes() -> None:
    assert entity_tag(b"one") == entity_tag(b"one") != entity_tag(b"two")
    assert entity_tag(b"") == '"b8e1dda3ac0aa3820ad2990b"'


def test_each_coding_has_another_tag_and_identity_has_the_plain_tag() -> None:
    tags = [tag_of_coding('"a"', coding) for coding in ("identity", "gzip", "br")]
    assert tags == ['"a"', '"a-gzip"', '"a-br"']


def test_a_weak_tag_is_the_same_for_all_codings() -> None:
    assert tag_of_coding('W/"a"', "gzip") == 'W/"a"'


@pytest.mark.parametrize("tag", ['"a-br"', 'W/"a-br"'])
def test_tags_are_compared_weakly(tag: str) -> None:
    assert is_among(tag, ["x", "a-br"])
    assert not is_among(tag, ["a", "a-gzip", "xa-br", '"a-br"', "*"])
    assert not is_among(tag, [])


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
def test_vary_names_the_field_once_and_keeps_all_others(lines: list[str], expected: str) -> None:
    assert extended_vary(lines, "Accept-Encoding") == expected
