"""Do two arms answer the same? Asked with the very inputs that are measured."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from loadgen.experiment.arms import Arm, Subject
from loadgen.experiment.decoding import Undecodable, body_of, document_of
from loadgen.sending.connection import Connection, RequestFailed, Response

_SHORT = 80


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place at which an arm answers otherwise than the baseline."""

    target: str
    place: str
    baseline: object
    arm: str
    other: object

    def __str__(self) -> str:
        return (
            f"{self.target} at {self.place}: baseline {_short(self.baseline)},"
            f" {self.arm} {_short(self.other)}"
        )


def distinct(subject: Subject) -> list[int]:
    """The numbers of requests of which none asks what another has asked before."""
    length = max(len(arm.requests) for arm in subject.arms)
    first: dict[tuple[bytes, ...], int] = {}
    for number in range(length):
        asked = tuple(arm.requests[number % len(arm.requests)] for arm in subject.arms)
        first.setdefault(asked, number)
    return list(first.values())


async def first_difference(
    subject: Subject, numbers: Iterable[int], timeout: float
) -> Difference | None:
    """Asks every arm the requests of these numbers. Raises RequestFailed."""
    for number in numbers:
        found = await _difference(subject, number, timeout)
        if found is not None:
            return found
    return None


async def _difference(subject: Subject, number: int, timeout: float) -> Difference | None:
    expected = await _answer(subject.baseline, number, timeout)
    for arm in subject.candidates:
        given = await _answer(arm, number, timeout)
        if canonical_hash(expected) != canonical_hash(given):
            place = differing_place(expected, given) or ("$", expected, given)
            target = arm.targets[number % len(arm.targets)]
            return Difference(target, place[0], place[1], arm.name, place[2])
    return None


async def _answer(arm: Arm, number: int, timeout: float) -> object:
    connection = Connection(arm.address, timeout, keep_body=True)
    target = arm.targets[number % len(arm.targets)]
    try:
        response = await connection.request(arm.requests[number % len(arm.requests)])
        if not 200 <= response.status < 300:
            raise RequestFailed(f"{target}: status {response.status}: {response.body[:200]!r}")
        return _content(response)
    except Undecodable as error:
        raise RequestFailed(f"{target}: {error}") from error
    finally:
        connection.close()


def _content(response: Response) -> object:
    """The JSON document, or the text or bytes of what is none. Raises Undecodable."""
    try:
        return document_of(response)
    except Undecodable:
        body = body_of(response)
        try:
            return body.decode()
        except UnicodeDecodeError:
            return body


def canonical_hash(content: object) -> str:
    """The same for all that JSON does not tell apart: order of members, 1 and 1.0."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    text = json.dumps(_normal(content), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _normal(value: object) -> object:
    match value:
        case dict():
            return {name: _normal(each) for name, each in value.items()}
        case list():
            return [_normal(each) for each in value]
        case float() if value.is_integer():
            return int(value) if abs(value) < 2**53 else value
    return value


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
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 3]}..."
