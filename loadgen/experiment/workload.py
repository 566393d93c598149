"""The inputs of a technique's requests, drawn from its declared workload and a seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from urllib.parse import parse_qs, urlencode, urlsplit

from loadgen.experiment.decoding import Undecodable, document_of
from loadgen.sending.connection import Address, Connection, RequestFailed, encode_request
from services.contract import Constant, Followed, Technique, Uniform, Value, Zipf

#: So many inputs are drawn and sent round and round: enough that no short cycle shows.
INPUTS = 512
_ACCEPT_ANY = {"Accept": "*/*"}


@dataclass(frozen=True, slots=True)
class Inputs:
    """Query strings, the same for every variant, and the headers that go with them."""

    technique: Technique
    queries: tuple[str, ...]

    @property
    def headers(self) -> dict[str, str]:
        return {**_ACCEPT_ANY, **self.technique.workload.headers}

    def target(self, variant: str, query: str) -> str:
        return f"{self.technique.path(variant)}?{query}"

    def encoded(self, address: Address, variant: str) -> list[bytes]:
        """The requests as bytes, in the order of the queries."""
        return [
            encode_request(address, self.target(variant, query), self.headers)
            for query in self.queries
        ]


def with_constants(technique: Technique, texts: Sequence[str]) -> Technique:
    """With these values, written `name=value`, in every request. Raises ValueError."""
    constants = dict(_constant(technique, text) for text in texts)
    if not constants:
        return technique
    workload = technique.workload
    said = ", ".join(f"{name}={constant.value}" for name, constant in constants.items())
    return replace(
        technique,
        workload=replace(
            workload,
            description=f"{workload.description.removesuffix('.')}; with {said}.",
            draws={**workload.draws, **constants},
        ),
    )


def _constant(technique: Technique, text: str) -> tuple[str, Constant]:
    name, separator, value = text.partition("=")
    parameters = {each.name: each for each in technique.parameters}
    if not separator or name not in parameters:
        there = ", ".join(parameters) or "none"
        raise ValueError(f"{text!r} sets nothing: write NAME=VALUE; {technique.name} has {there}")
    try:
        return name, Constant(parameters[name].parse(value))
    except ValueError as error:
        raise ValueError(f"{name}: {value!r} is not {error}") from None


async def draw_inputs(technique: Technique, address: Address, seed: int, timeout: float) -> Inputs:
    """Raises RequestFailed when a draw needs the service and the service does not answer."""
    random = Random(f"{seed}/{technique.name}")
    columns: dict[str, list[Value]] = {}
    for name, draw in technique.workload.draws.items():
        if isinstance(draw, Followed):
            met = await _followed(technique, name, draw, address, timeout)
            columns[name] = random.choices(met, k=INPUTS)
        else:
            columns[name] = sample(draw, random, INPUTS)
    queries = [
        urlencode(dict(zip(columns, values, strict=True)))
        for values in zip(*columns.values(), strict=True)
    ]
    return Inputs(technique, tuple(queries) or ("",))


def sample(draw: Constant | Uniform | Zipf, random: Random, count: int) -> list[Value]:
    match draw:
        case Constant(value):
            return [value] * count
        case Uniform(minimum, maximum):
            return list(random.choices(range(minimum, maximum + 1), k=count))
        case Zipf(population, exponent):
            ranks = range(1, population + 1)
            return list(random.choices(ranks, [rank**-exponent for rank in ranks], k=count))


async def _followed(
    technique: Technique, name: str, draw: Followed, address: Address, timeout: float
) -> list[Value]:
    connection = Connection(address, timeout, keep_body=True)
    try:
        path = technique.path("optimized")
        # A cursor belongs to the list that it was handed out for: the same filter, the same order.
        start = f"{path}?{urlencode({**_constants(technique), **draw.query})}"
        reference = await _link(connection, address, start, draw.first)
        values: list[Value] = [_parameter(reference, name)]
        while len(values) < draw.count:
            reference = await _link(connection, address, path + reference, draw.then)
            values.append(_parameter(reference, name))
        return values
    finally:
        connection.close()


def _constants(technique: Technique) -> dict[str, Value]:
    draws = technique.workload.draws.items()
    return {name: draw.value for name, draw in draws if isinstance(draw, Constant)}


async def _link(connection: Connection, address: Address, target: str, relation: str) -> str:
    response = await connection.request(encode_request(address, target, _ACCEPT_ANY))
    try:
        document = document_of(response)
    except Undecodable as error:
        raise RequestFailed(f"{target}: {error}") from error
    links = document.get("links") if isinstance(document, dict) else None
    reference = links.get(relation) if isinstance(links, dict) else None
    if not isinstance(reference, str):
        raise RequestFailed(f"{target}: the answer has no link {relation!r}")
    return reference


def _parameter(reference: str, name: str) -> str:
    values = parse_qs(urlsplit(reference).query).get(name)
    if not values:
        raise RequestFailed(f"the link {reference!r} has no {name!r}")
    return values[0]
