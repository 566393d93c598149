"""Reads query strings by the declared parameters of a technique.

services/contract.py declares the parameters and their bounds.
"""

from collections.abc import Mapping, Sequence

from aiohttp import web

from services.chassis.errors import InvalidRequest
from services.contract import Parameter, Value


class Parameters:
    """The validated query parameters of one request."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def integer(self, name: str) -> int:
        """The value of a declared IntegerParameter."""
        value = self._values[name]
        assert isinstance(value, int), name  # noqa: S101 - the declaration, not the client, is wrong
        return value

    def text(self, name: str) -> str:
        """The value of a declared TokenParameter or ChoiceParameter."""
        value = self._values[name]
        assert isinstance(value, str), name  # noqa: S101 - the declaration, not the client, is wrong
        return value


PARAMETERS = web.RequestKey("parameters", Parameters)


def read_parameters(declared: Sequence[Parameter], request: web.Request) -> Parameters:
    """The values of a request's query string; a missing parameter has its default.

    Raises InvalidRequest with the parameter and its bound when a name is unknown, a parameter is
    repeated, or a value is out of bounds.
    """
    values: dict[str, Value] = {each.name: each.default for each in declared}
    if not request.query_string:
        return Parameters(values)
    query = request.query
    by_name = {each.name: each for each in declared}
    for name in query:
        parameter = by_name.get(name)
        if parameter is None:
            raise _refusal(name, f"one of {', '.join(by_name) or 'none'}", "unknown parameter")
        texts = query.getall(name)
        if len(texts) > 1:
            raise _refusal(name, parameter.bound, f"sent {len(texts)} times, allowed once")
        try:
            values[name] = parameter.parse(texts[0])
        except ValueError as error:
            raise _refusal(name, str(error), "out of bounds") from None
    return Parameters(values)


def _refusal(name: str, bound: str, problem: str) -> InvalidRequest:
    # The client chose the name. The response repeats at most 64 characters.
    name = name[:64]
    return InvalidRequest(f"{name}: {problem}; expected {bound}", parameter=name, bound=bound)
