"""The contract of a technique: parameters and their bounds, paths, the card."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contract import LOAD_PARAMETERS, ChoiceParameter, IntegerParameter, TokenParameter
from tests.unit.services.example_technique import MADE_UP

COUNT = IntegerParameter("count", "The number of items.", default=0, minimum=-5, maximum=100)
CURSOR = TokenParameter("cursor", "The first item.", maximum_length=8)
ORDER = ChoiceParameter("order", "The order.", default="newest", choices=("newest", "oldest"))
TOKEN_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.mark.parametrize("word", ORDER.choices)
def test_a_choice_accepts_each_of_its_words(word: str) -> None:
    assert ORDER.parse(word) == word


@pytest.mark.parametrize("text", ["", "Newest", " newest", "newest,oldest", "x"])
def test_a_choice_refuses_other_words(text: str) -> None:
    with pytest.raises(ValueError, match="one of newest, oldest"):
        ORDER.parse(text)


def test_the_schema_of_a_choice_lists_its_words() -> None:
    assert ORDER.schema() == {
        "type": "string",
        "default": "newest",
        "enum": ["newest", "oldest"],
    }


@pytest.mark.parametrize(("text", "number"), [("-5", -5), ("0", 0), ("007", 7), ("100", 100)])
def test_a_number_within_the_bounds_is_accepted(text: str, number: int) -> None:
    assert COUNT.parse(text) == number


@given(st.integers(-5, 100))
def test_every_number_within_the_bounds_keeps_its_value(number: int) -> None:
    assert COUNT.parse(str(number)) == number


@given(st.integers().filter(lambda number: not -5 <= number <= 100))
def test_numbers_out_of_bounds_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="from -5 to 100"):
        COUNT.parse(str(number))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1_0",
        " 7",
        "7 ",
        "7\n",
        "+5",
        "--5",
        "5.0",
        "1e1",
        "0x1f",
        "\uff17",  # int() accepts this digit
        "\u0667",
        "\x00",
        "nan",
        "9" * 19,
        "9" * 5_000,  # int() refuses so many digits with another message
    ],
)
def test_text_that_only_resembles_a_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a whole number from -5 to 100"):
        COUNT.parse(text)


@given(st.text())
def test_any_text_gives_a_number_within_the_bounds_or_a_refusal(text: str) -> None:
    try:
        number = COUNT.parse(text)
    except ValueError:
        return
    assert -5 <= number <= 100


@given(st.text(TOKEN_CHARACTERS, max_size=8))
def test_a_token_is_returned_unchanged(text: str) -> None:
    assert CURSOR.parse(text) == text


@pytest.mark.parametrize("text", ["abc=", "a b", "a/b", "a+b", "abc\n", "\u00e9", "a" * 9])
def test_a_token_that_the_service_cannot_have_issued_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at most 8"):
        CURSOR.parse(text)


def test_a_token_has_at_most_256_characters_by_default() -> None:
    token = TokenParameter("cursor", "The first item.")
    assert token.parse("a" * 256) == "a" * 256
    with pytest.raises(ValueError, match="at most 256"):
        token.parse("a" * 257)


def test_the_default_token_is_empty() -> None:
    assert CURSOR.parse(CURSOR.default) == ""


def test_paths_begin_with_the_name_of_the_technique() -> None:
    assert MADE_UP.path() == "/made-up"
    assert MADE_UP.path("naive") == "/made-up/naive"


def test_the_card_lists_variants_and_parameters_with_their_bounds() -> None:
    assert MADE_UP.card() == {
        "technique": "made-up",
        "title": "Made up",
        "question": "Does it work with any technique?",
        "variants": [
            {
                "name": "naive",
                "path": "/made-up/naive",
                "summary": "The simple way.",
            },
            {
                "name": "optimized",
                "path": "/made-up/optimized",
                "summary": "The fast way.",
            },
        ],
        "parameters": [
            {
                "name": "count",
                "description": "The number of items.",
                "type": "integer",
                "default": 3,
                "minimum": 1,
                "maximum": 10,
            },
            {
                "name": "cursor",
                "description": "The first item.",
                "type": "string",
                "default": "",
                "maxLength": 8,
                "pattern": "^[A-Za-z0-9_-]*$",
            },
        ],
        "needs": ["postgres", "redis"],
        "workload": "Three of them.",
        "sweep": {"parameter": "count", "values": [1, 3, 10], "description": "From one to ten."},
    }


def test_integers_of_the_technique_and_of_the_load_can_be_swept() -> None:
    assert list(MADE_UP.swept()) == ["count", *(each.name for each in LOAD_PARAMETERS)]


def test_the_parameters_of_the_load_have_these_defaults_and_bounds() -> None:
    assert {each.name: (each.default, each.minimum, each.maximum) for each in LOAD_PARAMETERS} == {
        "concurrency": (4, 1, 1000),
        "link": (10_000, 1, 10_000),
        "latency": (0, 0, 1000),
    }


def test_the_fields_of_a_technique_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        MADE_UP.port = 1  # type: ignore[misc]
