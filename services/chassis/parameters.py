"""Query strings, read by the declaration of a technique's parameters."""

from collections.abc import Mapping, Sequence

from aiohttp import web

from services.chassis.errors import InvalidRequest
from services.contract import Parameter, Value


class Parameters:
    """The checked values of one request's query."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def integer(self, name: str) -> int:
        value = self._values[name]
        assert isinstance(value, int), name  # noqa: S101 - the declaration, not the client, is wrong
        return value

    def text(self, name: str) -> str:
        value = self._values[name]
        assert isinstance(value, str), name  # noqa: S101 - the declaration, not the client, is wrong
        return value


PARAMETERS = web.RequestKey("parameters", Parameters)


def read_parameters(declared: Sequence[Parameter], request: web.Request) -> Parameters:
    """Raise InvalidRequest naming the parameter and its bound."""
    values: dict[str, Value] = {each.name: each.default for each in declared}
    if not request.query_string:
        return Parameters(values)
    query = request.query
    by_name = {each.name: each for each in declared}
    for name in query:
        parameter = by_name.get(name)
        if parameter is None:
            raise _refusal(name, f"one of {', '.join(by_name) or 'none'}", "no such parameter")
        given = query.getall(name)
        if len(given) > 1:
            raise _refusal(name, parameter.bound, f"given {len(given)} times")
        try:
            values[name] = parameter.parse(given[0])
        except ValueError as error:
            raise _refusal(name, str(error), "out of bounds") from None
    return Parameters(values)


def _refusal(name: str, bound: str, what: str) -> InvalidRequest:
    # The name comes from the client: shown only as far as any honest name is long.
    name = name[:64]
    return InvalidRequest(f"{name}: {what}; expected {bound}", parameter=name, bound=bound)
