"""Draw the inputs of a technique's requests from its declared workload and a seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from urllib.parse import parse_qs, urlencode, urlsplit

from loadgen.experiment.decoding import Undecodable, document_of
from loadgen.sending.connection import Address, Connection, RequestFailed, encode_request
from services.contract import Constant, Followed, Technique, Uniform, Value, Zipf

#: Number of inputs drawn per technique. A block sends them in a cycle, which is long enough not to
#: favour caches.
INPUTS = 512
_ACCEPT_ANY = {"Accept": "*/*"}


@dataclass(frozen=True, slots=True)
class Inputs:
    """The query strings and headers of a technique's requests, the same for every variant."""

    technique: Technique
    queries: tuple[str, ...]

    @property
    def headers(self) -> dict[str, str]:
        return {**_ACCEPT_ANY, **self.technique.workload.headers}

    def target(self, variant: str, query: str) -> str:
        return f"{self.technique.path(variant)}?{query}"

    def encoded(self, address: Address, variant: str) -> list[bytes]:
        """The encoded requests, in the order of the queries."""
        return [
            encode_request(address, self.target(variant, query), self.headers)
            for query in self.queries
        ]


def with_constants(technique: Technique, texts: Sequence[str]) -> Technique:
    """The technique with constants, written `name=value`, in every request. Raises ValueError."""
    constants = dict(_parse_constant(technique, text) for text in texts)
    if not constants:
        return technique
    workload = technique.workload
    written = ", ".join(f"{name}={constant.value}" for name, constant in constants.items())
    return replace(
        technique,
        workload=replace(
            workload,
            description=f"{workload.description.removesuffix('.')}; with {written}.",
            draws={**workload.draws, **constants},
        ),
    )


def _parse_constant(technique: Technique, text: str) -> tuple[str, Constant]:
    name, separator, value = text.partition("=")
    parameters = {each.name: each for each in technique.parameters}
    if not separator or name not in parameters:
        known = ", ".join(parameters) or "none"
        raise ValueError(
            f"{text!r} sets no parameter: write NAME=VALUE; parameters of {technique.name}: {known}"
        )
    try:
        return name, Constant(parameters[name].parse(value))
    except ValueError as error:
        raise ValueError(f"{name}: {value!r} is not {error}") from None


async def draw_inputs(technique: Technique, address: Address, seed: int, timeout: float) -> Inputs:
    """Draw the inputs; the same seed gives the same inputs.

    Raises RequestFailed if a draw follows links of the service and a request fails.
    """
    random = Random(f"{seed}/{technique.name}")
    columns: dict[str, list[Value]] = {}
    for name, draw in technique.workload.draws.items():
        if isinstance(draw, Followed):
            values = await _follow_links(technique, name, draw, address, timeout)
            columns[name] = random.choices(values, k=INPUTS)
        else:
            columns[name] = sample(draw, random, INPUTS)
    queries = [
        urlencode(dict(zip(columns, row, strict=True)))
        for row in zip(*columns.values(), strict=True)
    ]
    return Inputs(technique, tuple(queries) or ("",))


def sample(draw: Constant | Uniform | Zipf, random: Random, count: int) -> list[Value]:
    """`count` values from the distribution. Zipf gives rank k the weight k to the -exponent."""
    match draw:
        case Constant(value):
            return [value] * count
        case Uniform(minimum, maximum):
            return list(random.choices(range(minimum, maximum + 1), k=count))
        case Zipf(population, exponent):
            ranks = range(1, population + 1)
            return list(random.choices(ranks, [rank**-exponent for rank in ranks], k=count))


async def _follow_links(
    technique: Technique, name: str, draw: Followed, address: Address, timeout: float
) -> list[Value]:
    """Values of parameter `name` in a chain of links. Raises RequestFailed."""
    connection = Connection(address, timeout, keep_body=True)
    try:
        path = technique.path("optimized")
        # A cursor is valid only for the filter and the order of the page that issued the cursor.
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
        raise RequestFailed(f"{target}: the response has no link {relation!r}")
    return reference


def _parameter(reference: str, name: str) -> str:
    values = parse_qs(urlsplit(reference).query).get(name)
    if not values:
        raise RequestFailed(f"the link {reference!r} has no parameter {name!r}")
    return values[0]
