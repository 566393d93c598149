"""What a technique declares: bounds that hold, tokens that are tokens, the card."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contract import LOAD_PARAMETERS, ChoiceParameter, IntegerParameter, TokenParameter
from tests.unit.services.made_up import MADE_UP

COUNT = IntegerParameter("count", "How many.", default=0, minimum=-5, maximum=100)
CURSOR = TokenParameter("cursor", "Where to begin.", maximum_length=8)
ORDER = ChoiceParameter("order", "Which first.", default="newest", choices=("newest", "oldest"))
TOKEN_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.mark.parametrize("word", ORDER.choices)
def test_a_word_of_the_choice_is_read(word: str) -> None:
    assert ORDER.parse(word) == word


@pytest.mark.parametrize("text", ["", "Newest", " newest", "newest,oldest", "x"])
def test_no_other_word_is_read(text: str) -> None:
    with pytest.raises(ValueError, match="one of newest, oldest"):
        ORDER.parse(text)


def test_the_words_of_a_choice_are_in_its_schema() -> None:
    assert ORDER.schema() == {
        "type": "string",
        "default": "newest",
        "enum": ["newest", "oldest"],
    }


@pytest.mark.parametrize(("text", "number"), [("-5", -5), ("0", 0), ("007", 7), ("100", 100)])
def test_a_whole_number_within_its_bounds_is_read(text: str, number: int) -> None:
    assert COUNT.parse(text) == number


@given(st.integers(-5, 100))
def test_every_number_within_the_bounds_is_read_as_itself(number: int) -> None:
    assert COUNT.parse(str(number)) == number


@given(st.integers().filter(lambda number: not -5 <= number <= 100))
def test_no_number_beyond_the_bounds_is_read(number: int) -> None:
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
        "\uff17",  # a digit to int(), and to nobody who writes a query string
        "\u0667",
        "\x00",
        "nan",
        "9" * 19,
        "9" * 5_000,  # longer than int() takes
    ],
)
def test_what_only_resembles_a_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a whole number from -5 to 100"):
        COUNT.parse(text)


@given(st.text())
def test_any_text_is_a_number_within_the_bounds_or_refused(text: str) -> None:
    try:
        number = COUNT.parse(text)
    except ValueError:
        return
    assert -5 <= number <= 100


@given(st.text(TOKEN_CHARACTERS, max_size=8))
def test_a_token_is_read_as_it_is(text: str) -> None:
    assert CURSOR.parse(text) == text


@pytest.mark.parametrize("text", ["abc=", "a b", "a/b", "a+b", "abc\n", "\u00e9", "a" * 9])
def test_what_the_service_cannot_have_handed_out_is_no_token(text: str) -> None:
    with pytest.raises(ValueError, match="at most 8"):
        CURSOR.parse(text)


def test_the_default_of_a_token_is_to_begin_at_the_start() -> None:
    assert CURSOR.parse(CURSOR.default) == ""


def test_paths_begin_with_the_name_of_the_technique() -> None:
    assert MADE_UP.path() == "/made-up"
    assert MADE_UP.path("naive") == "/made-up/naive"


def test_the_card_says_what_can_be_asked_and_within_which_bounds() -> None:
    assert MADE_UP.card() == {
        "technique": "made-up",
        "title": "Made up",
        "question": "What is everything that is not there?",
        "variants": [
            {
                "name": "naive",
                "path": "/made-up/naive",
                "summary": "As one writes it first.",
            },
            {
                "name": "optimized",
                "path": "/made-up/optimized",
                "summary": "As one ends up.",
            },
        ],
        "parameters": [
            {
                "name": "count",
                "description": "How many.",
                "type": "integer",
                "default": 3,
                "minimum": 1,
                "maximum": 10,
            },
            {
                "name": "cursor",
                "description": "Where to begin.",
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


def test_whole_numbers_may_be_swept_those_of_the_load_among_them() -> None:
    assert list(MADE_UP.swept()) == ["count", *(each.name for each in LOAD_PARAMETERS)]


def test_the_facts_of_a_technique_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        MADE_UP.port = 1  # type: ignore[misc]
