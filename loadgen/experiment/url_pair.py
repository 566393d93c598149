"""Any two HTTP endpoints as the arms of an experiment: A is the baseline, B the candidate."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from loadgen.experiment.subject import Arm, MetricsPage, Subject, with_control
from loadgen.sending.connection import Address, encode_request

BASELINE, CANDIDATE = "A", "B"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_MEMBERS = {"a": str, "b": str, "method": str, "headers": dict, "body": str}
_MEMBERS_HELP = "a, b, method and body are strings, headers is an object"


@dataclass(frozen=True, slots=True)
class UrlPair:
    """Two URLs that get the same request: method, headers and body."""

    a: str
    b: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


def read_url_pairs(path: Path, defaults: UrlPair) -> list[UrlPair]:
    """Read a file with one pair per line; `defaults` provides what a line does not set.

    A line is `URL_A URL_B`, or a JSON object with a, b and optionally method, headers and body.
    Empty lines and lines that begin with # are skipped. Raises OSError, and ValueError with the
    number of the wrong line.
    """
    pairs = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        text = line.strip()
        if text and not text.startswith("#"):
            try:
                pairs.append(_parse_pair(text, defaults))
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error}") from None
    if not pairs:
        raise ValueError(f"{path}: the file has no pair of URLs; write `URL_A URL_B` on a line")
    return pairs


def _parse_pair(text: str, defaults: UrlPair) -> UrlPair:
    members = _parse_json(text) if text.startswith("{") else _parse_words(text)
    headers = {**defaults.headers, **members.pop("headers", {})}
    return UrlPair(**{"method": defaults.method, "body": defaults.body, **members}, headers=headers)


def _parse_words(text: str) -> dict[str, Any]:
    urls = text.split()
    if len(urls) != 2:
        raise ValueError(f"{text!r} is not a pair of URLs: write `URL_A URL_B`")
    return {"a": urls[0], "b": urls[1]}


def _parse_json(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    for name, value in document.items():
        if name not in _MEMBERS or not isinstance(value, _MEMBERS[name]):
            raise ValueError(f"{name!r} is unknown or has the wrong type: {_MEMBERS_HELP}")
    if not {"a", "b"} <= document.keys():
        raise ValueError("the object needs both a and b")
    return document


def parse_headers(lines: Sequence[str]) -> dict[str, str]:
    """Read `Name: value` lines. Raises ValueError."""
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or not line.isascii() or not line.isprintable():
            raise ValueError(f"{line!r} is not a header: write 'Name: value' in printable ASCII")
        headers[name.strip()] = value.strip()
    return headers


def url_subject(
    pairs: Sequence[UrlPair],
    metrics: Mapping[str, str],
    answers_may_differ: bool,
) -> Subject:
    """The subject that compares the pairs. `metrics` maps an arm's name to its metrics URL.

    Raises ValueError for a wrong URL or method, and for an arm with more than one server.
    """
    arms = [
        _arm(name, urls, pairs, metrics.get(name))
        for name, urls in (
            (BASELINE, [pair.a for pair in pairs]),
            (CANDIDATE, [pair.b for pair in pairs]),
        )
    ]
    title = f"{pairs[0].a} against {pairs[0].b}"
    workload = f"{len(pairs)} requests in turn" if len(pairs) > 1 else "One request"
    return Subject("ab", title, workload, with_control(arms), answers_may_differ)


def _arm(name: str, urls: Sequence[str], pairs: Sequence[UrlPair], metrics: str | None) -> Arm:
    addresses = {Address.parse(url) for url in urls}
    if len(addresses) > 1:
        one, other = sorted(map(str, addresses))[:2]
        raise ValueError(f"the URLs of {name} must all be of one server, not of {one} and {other}")
    (address,) = addresses
    targets = tuple(_target(url) for url in urls)
    return Arm(
        name=name,
        address=address,
        targets=targets,
        requests=tuple(_encoded(address, *each) for each in zip(targets, pairs, strict=True)),
        metrics=_metrics_page(metrics) if metrics else None,
    )


def _target(url: str) -> str:
    """Path and query of the URL. Raises ValueError unless they are percent-encoded."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not target.isascii() or not target.isprintable() or " " in target:
        raise ValueError(f"{url!r} must be percent-encoded, such as %20 for a space")
    return target


def _encoded(address: Address, target: str, pair: UrlPair) -> bytes:
    if pair.method not in _METHODS:
        raise ValueError(f"method {pair.method!r} is not supported: use {', '.join(_METHODS)}")
    headers = {"Accept": "*/*", **pair.headers}
    return encode_request(address, target, headers, pair.method, pair.body.encode())


def _metrics_page(url: str) -> MetricsPage:
    return MetricsPage(Address.parse(url), _target(url))


def parse_metrics(options: Sequence[str]) -> dict[str, str]:
    """Metrics URL by arm, from `URL` (both arms), `A=URL` or `B=URL`. Raises ValueError."""
    return dict(_urls_by_arm(options))


def _urls_by_arm(options: Sequence[str]) -> Iterator[tuple[str, str]]:
    for option in options:
        name, equals, url = option.partition("=")
        if equals and name in (BASELINE, CANDIDATE):
            Address.parse(url)
            yield name, url
        else:
            Address.parse(option)
            yield BASELINE, option
            yield CANDIDATE, option
