"""Entity tags: one for each coding, found among those that a client has."""

import pytest

from services.compression.entity_tag import is_among, of_body, of_coding


def test_a_tag_is_quoted_and_stands_for_the_bytes() -> None:
    assert of_body(b"one") == of_body(b"one") != of_body(b"two")
    assert of_body(b"").startswith('"')
    assert of_body(b"").endswith('"')


def test_each_coding_has_a_tag_of_its_own_and_identity_the_plain_one() -> None:
    tags = [of_coding('"a"', coding) for coding in ("identity", "gzip", "br")]
    assert tags == ['"a"', '"a-gzip"', '"a-br"']


def test_a_weak_tag_stands_for_all_codings() -> None:
    assert of_coding('W/"a"', "gzip") == 'W/"a"'


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('"a-br"', True),
        ('W/"a-br"', True),
        ('"x", "a-br"', True),
        ('"x","a-br","y"', True),
        ("*", True),
        (" * ", True),
        ("", False),
        ('"a"', False),
        ('"a-gzip"', False),
        ("a-br", False),
        ('"a-br', False),
        ('"xa-br"', False),
        ('"a,-br"', False),
        ('"*"', False),
    ],
)
def test_a_tag_is_found_by_weak_comparison(header: str, found: bool) -> None:
    assert is_among('"a-br"', header) is found
    assert is_among('W/"a-br"', header) is found
