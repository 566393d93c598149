"""OpenAPI 3.1 documents, generated from the declarations of techniques."""

from collections.abc import Iterable

from services.contract import Technique

_PROBLEM = {"description": "What is wrong (RFC 9457)", "content": {"application/problem+json": {}}}


def openapi(title: str, techniques: Iterable[Technique]) -> dict[str, object]:
    """A document with the card and the variants of each technique."""
    paths: dict[str, object] = {}
    for technique in techniques:
        paths[technique.path()] = {"get": _operation(f"The card of {technique.title}", [])}
        parameters = _parameters(technique)
        for variant in technique.variants:
            paths[technique.path(variant.name)] = {"get": _operation(variant.summary, parameters)}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "paths": paths,
    }


def _parameters(technique: Technique) -> list[dict[str, object]]:
    return [
        {
            "name": each.name,
            "in": "query",
            "required": False,
            "description": each.description,
            "schema": each.schema(),
        }
        for each in technique.parameters
    ]


def _operation(summary: str, parameters: list[dict[str, object]]) -> dict[str, object]:
    return {
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "The answer", "content": {"application/json": {}}},
            "400": _PROBLEM,
            "503": _PROBLEM,
            "504": _PROBLEM,
        },
    }
