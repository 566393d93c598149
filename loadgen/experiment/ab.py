"""Any two HTTP endpoints as the arms of an experiment: A is the baseline, B the candidate."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from loadgen.experiment.arms import Arm, MetricsPage, Subject, with_control
from loadgen.sending.connection import Address, encode_request

BASELINE, CANDIDATE = "A", "B"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_MEMBERS = {"a": str, "b": str, "method": str, "headers": dict, "body": str}


@dataclass(frozen=True, slots=True)
class Question:
    """The same request to both: two addresses, and what goes with them."""

    a: str
    b: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


def read_questions(path: Path, defaults: Question) -> list[Question]:
    """A line each: `URL_A URL_B`, or JSON with a, b, method, headers and body, all but a and b
    optional. Empty lines and those that begin with # do not count.

    Raises OSError, and ValueError with the number of the line that is none.
    """
    questions = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        text = line.strip()
        if text and not text.startswith("#"):
            try:
                questions.append(_question(text, defaults))
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error}") from None
    if not questions:
        raise ValueError(f"{path}: there is no pair of URLs in it")
    return questions


def _question(text: str, defaults: Question) -> Question:
    if not text.startswith("{"):
        addresses = text.split()
        if len(addresses) != 2:
            raise ValueError(f"{text!r} is no pair of URLs")
        document: dict[str, Any] = {"a": addresses[0], "b": addresses[1]}
    else:
        document = json.loads(text)
    for name, value in document.items():
        if name not in _MEMBERS or not isinstance(value, _MEMBERS[name]):
            raise ValueError(f"{name!r} is none of {', '.join(_MEMBERS)}, or of another kind")
    if not {"a", "b"} <= document.keys():
        raise ValueError("a and b are needed")
    headers = {**defaults.headers, **document.pop("headers", {})}
    return Question(
        **{"method": defaults.method, "body": defaults.body, **document}, headers=headers
    )


def headers_of(lines: Sequence[str]) -> dict[str, str]:
    """From `Name: value` lines. Raises ValueError."""
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or not line.isascii() or not line.isprintable():
            raise ValueError(f"{line!r} is no header: write it as 'Name: value'")
        headers[name.strip()] = value.strip()
    return headers


def subject(
    questions: Sequence[Question],
    metrics: Mapping[str, str],
    answers_may_differ: bool,
) -> Subject:
    """`metrics` has the address of a page of metrics by arm, where one is given. Raises ValueError
    when the questions of an arm go to more than one server, or are none.
    """
    arms = [
        _arm(name, urls, questions, metrics.get(name))
        for name, urls in (
            (BASELINE, [question.a for question in questions]),
            (CANDIDATE, [question.b for question in questions]),
        )
    ]
    title = f"{questions[0].a} against {questions[0].b}"
    workload = f"{len(questions)} requests in turn" if len(questions) > 1 else "One request"
    return Subject("ab", title, workload, with_control(arms), answers_may_differ)


def _arm(name: str, urls: Sequence[str], questions: Sequence[Question], metrics: str | None) -> Arm:
    addresses = {Address.parse(url) for url in urls}
    if len(addresses) > 1:
        one, other = sorted(map(str, addresses))[:2]
        raise ValueError(f"all URLs of {name} go to one server, and not to {one} and {other}")
    (address,) = addresses
    targets = tuple(_target(url) for url in urls)
    return Arm(
        name=name,
        address=address,
        targets=targets,
        requests=tuple(_encoded(address, *each) for each in zip(targets, questions, strict=True)),
        metrics=_page(metrics) if metrics else None,
    )


def _target(url: str) -> str:
    """Path and query. Raises ValueError where they are not encoded."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not target.isascii() or not target.isprintable() or " " in target:
        raise ValueError(f"{url!r} is to be percent-encoded")
    return target


def _encoded(address: Address, target: str, question: Question) -> bytes:
    if question.method not in _METHODS:
        raise ValueError(f"{question.method!r} is none of {', '.join(_METHODS)}")
    headers = {"Accept": "*/*", **question.headers}
    return encode_request(address, target, headers, question.method, question.body.encode())


def _page(url: str) -> MetricsPage:
    return MetricsPage(Address.parse(url), _target(url))


def metrics_of(pages: Sequence[str]) -> dict[str, str]:
    """From `--metrics URL` for both, or `--metrics A=URL --metrics B=URL`. Raises ValueError."""
    return dict(_named(pages))


def _named(pages: Sequence[str]) -> Iterator[tuple[str, str]]:
    for page in pages:
        name, equals, url = page.partition("=")
        if equals and name in (BASELINE, CANDIDATE):
            Address.parse(url)
            yield name, url
        else:
            Address.parse(page)
            yield BASELINE, page
            yield CANDIDATE, page
