"""Check that all arms of a subject give the same responses to the inputs that are measured."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from loadgen.experiment.decoding import Undecodable, body_of, document_of
from loadgen.experiment.subject import Arm, Subject
from loadgen.sending.connection import Connection, RequestFailed, Response

_MAXIMUM_CHARACTERS = 80
_ELLIPSIS = "..."


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where an arm's response differs from the baseline's.

    `place` is a JSONPath; `baseline` and `other` are the values there.
    """

    target: str
    place: str
    baseline: object
    arm: str
    other: object

    def __str__(self) -> str:
        return (
            f"{self.target} at {self.place}: baseline {_shortened(self.baseline)},"
            f" {self.arm} {_shortened(self.other)}"
        )


def distinct_indices(subject: Subject) -> list[int]:
    """The indices of the distinct requests."""
    length = max(len(arm.requests) for arm in subject.arms)
    first: dict[tuple[bytes, ...], int] = {}
    for index in range(length):
        requests = tuple(arm.requests[index % len(arm.requests)] for arm in subject.arms)
        first.setdefault(requests, index)
    return list(first.values())


async def first_difference(
    subject: Subject, indices: Iterable[int], timeout: float
) -> Difference | None:
    """Send the requests with these indices to every arm and compare. Raises RequestFailed."""
    for index in indices:
        difference = await _difference(subject, index, timeout)
        if difference is not None:
            return difference
    return None


async def _difference(subject: Subject, index: int, timeout: float) -> Difference | None:
    expected = await _fetch(subject.baseline, index, timeout)
    for arm in subject.candidates:
        content = await _fetch(arm, index, timeout)
        if canonical_hash(expected) != canonical_hash(content):
            place = differing_place(expected, content) or ("$", expected, content)
            target = arm.targets[index % len(arm.targets)]
            return Difference(target, place[0], place[1], arm.name, place[2])
    return None


async def _fetch(arm: Arm, index: int, timeout: float) -> object:
    """The content of a 2xx response. Raises RequestFailed for any other response."""
    connection = Connection(arm.address, timeout, keep_body=True)
    target = arm.targets[index % len(arm.targets)]
    try:
        response = await connection.request(arm.requests[index % len(arm.requests)])
        if not 200 <= response.status < 300:
            raise RequestFailed(f"{target}: status {response.status}: {response.body[:200]!r}")
        return _content(response)
    except Undecodable as error:
        raise RequestFailed(f"{target}: {error}") from error
    finally:
        connection.close()


def _content(response: Response) -> object:
    """The body as a JSON document, else as text, else as bytes. Raises Undecodable."""
    try:
        return document_of(response)
    except Undecodable:
        body = body_of(response)
        try:
            return body.decode()
        except UnicodeDecodeError:
            return body


def canonical_hash(content: object) -> str:
    """A hash that is equal for equal JSON: it ignores the order of members, and 1 equals 1.0."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    text = json.dumps(_normalized(content), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _normalized(value: object) -> object:
    match value:
        case dict():
            return {name: _normalized(each) for name, each in value.items()}
        case list():
            return [_normalized(each) for each in value]
        case float() if value.is_integer():
            return int(value) if abs(value) < 2**53 else value
    return value


def differing_place(
    one: object, other: object, place: str = "$"
) -> tuple[str, object, object] | None:
    """The JSONPath of the first difference and both values, None for equal documents."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        children = [(f"{place}.{key}", one[key], other[key]) for key in one]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        children = [(f"{place}[{index}]", one[index], other[index]) for index in range(len(one))]
    else:
        # 1 == True in Python, but not in JSON.
        equal = one == other and isinstance(one, bool) == isinstance(other, bool)
        return None if equal else (place, one, other)
    for child_place, left, right in children:
        difference = differing_place(left, right, child_place)
        if difference is not None:
            return difference
    return None


def _shortened(value: object) -> str:
    text = repr(value)
    if len(text) <= _MAXIMUM_CHARACTERS:
        return text
    return text[: _MAXIMUM_CHARACTERS - len(_ELLIPSIS)] + _ELLIPSIS
