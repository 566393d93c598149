"""Query strings: declared parameters are parsed, others are refused with the bound."""

import pytest
from aiohttp.test_utils import make_mocked_request

from services.chassis.errors import InvalidRequest
from services.chassis.parameters import Parameters, read_parameters
from tests.unit.services.example_technique import MADE_UP


def read(query: str) -> Parameters:
    return read_parameters(MADE_UP.parameters, make_mocked_request("GET", f"/made-up/naive{query}"))


def refusal(query: str) -> dict[str, object]:
    with pytest.raises(InvalidRequest) as caught:
        read(query)
    assert str(caught.value.extensions["parameter"]) in caught.value.detail
    assert str(caught.value.extensions["bound"]) in caught.value.detail
    return caught.value.extensions


@pytest.mark.parametrize("query", ["", "?", "?&"])
def test_a_missing_parameter_has_its_default(query: str) -> None:
    parameters = read(query)
    assert parameters.integer("count") == 3
    assert parameters.text("cursor") == ""


def test_a_sent_parameter_has_its_value() -> None:
    parameters = read("?cursor=abc_-9&count=10")
    assert parameters.integer("count") == 10
    assert parameters.text("cursor") == "abc_-9"


@pytest.mark.parametrize("value", ["0", "11", "", "x", "1_0", "%207", "+5", "1%00", "%EF%BC%97"])
def test_a_value_out_of_bounds_is_refused_with_the_bound(value: str) -> None:
    assert refusal(f"?count={value}") == {
        "parameter": "count",
        "bound": "a whole number from 1 to 10",
    }


def test_a_malformed_token_is_refused() -> None:
    assert refusal("?cursor=a%2Fb")["parameter"] == "cursor"


def test_a_parameter_without_a_value_is_refused() -> None:
    assert refusal("?count")["parameter"] == "count"


@pytest.mark.parametrize("query", ["?count=1&count=2", "?count=1&cursor=a&count=1"])
def test_a_repeated_parameter_is_refused(query: str) -> None:
    assert refusal(query)["parameter"] == "count"


def test_an_unknown_parameter_is_refused_with_the_known_names() -> None:
    assert refusal("?colour=red") == {"parameter": "colour", "bound": "one of count, cursor"}


def test_parameter_names_are_case_sensitive() -> None:
    assert refusal("?Count=1")["parameter"] == "Count"


def test_only_64_characters_of_an_unknown_name_are_repeated() -> None:
    assert refusal("?" + "x" * 1000 + "=1")["parameter"] == "x" * 64
