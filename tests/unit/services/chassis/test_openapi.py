"""OpenAPI documents contain the declared routes and parameters."""

from typing import Any

from services.chassis.openapi import openapi
from tests.unit.services.example_technique import MADE_UP


def test_each_route_is_described_with_its_parameters() -> None:
    document: Any = openapi("The lab", [MADE_UP])
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "The lab"
    assert list(document["paths"]) == ["/made-up", "/made-up/naive", "/made-up/optimized"]
    operation = document["paths"]["/made-up/optimized"]["get"]
    assert operation["summary"] == "The fast way."
    assert [each["name"] for each in operation["parameters"]] == ["count", "cursor"]
    assert operation["parameters"][0]["schema"] == {
        "type": "integer",
        "default": 3,
        "minimum": 1,
        "maximum": 10,
    }
    assert {"200", "400", "503", "504"} <= operation["responses"].keys()


def test_a_card_has_no_parameters() -> None:
    document: Any = openapi("The lab", [MADE_UP])
    assert document["paths"]["/made-up"]["get"]["parameters"] == []
