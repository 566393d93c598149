"""Do both variants answer the same? Asked with the very inputs that are measured."""

from dataclasses import dataclass

from loadgen.connection import Address, Connection, RequestFailed, encode_request
from loadgen.decoding import Undecodable, document_of
from loadgen.workload import Inputs

#: So many different inputs are compared before anything is measured.
SAMPLE = 16


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place at which two answers differ."""

    query: str
    place: str
    naive: object
    optimized: object

    def __str__(self) -> str:
        return (
            f"?{self.query} at {self.place}: naive {_short(self.naive)},"
            f" optimized {_short(self.optimized)}"
        )


async def first_difference(inputs: Inputs, address: Address, timeout: float) -> Difference | None:
    """None when the answers are equal after decoding. Raises RequestFailed."""
    connection = Connection(address, timeout, keep_body=True)
    try:
        for query in list(dict.fromkeys(inputs.queries))[:SAMPLE]:
            naive = await _answer(connection, address, inputs, "naive", query)
            optimized = await _answer(connection, address, inputs, "optimized", query)
            place = differing_place(naive, optimized)
            if place is not None:
                return Difference(query, *place)
        return None
    finally:
        connection.close()


async def _answer(
    connection: Connection, address: Address, inputs: Inputs, variant: str, query: str
) -> object:
    target = inputs.target(variant, query)
    response = await connection.request(encode_request(address, target, inputs.headers))
    if not 200 <= response.status < 300:
        raise RequestFailed(f"{target}: status {response.status}: {response.body[:200]!r}")
    try:
        return document_of(response)
    except Undecodable as error:
        raise RequestFailed(f"{target}: {error}") from error


def differing_place(
    one: object, other: object, place: str = "$"
) -> tuple[str, object, object] | None:
    """Where two JSON documents first differ, as a JSONPath, with both values; None if nowhere."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        children = [(f"{place}.{key}", one[key], other[key]) for key in one]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        children = [(f"{place}[{index}]", *pair) for index, pair in pairs]
    else:
        # 1 == True in Python, not in JSON.
        equal = one == other and isinstance(one, bool) == isinstance(other, bool)
        return None if equal else (place, one, other)
    for child_place, left, right in children:
        found = differing_place(left, right, child_place)
        if found is not None:
            return found
    return None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
