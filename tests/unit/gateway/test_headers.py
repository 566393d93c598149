"""Headers of the gateway: what goes on to the next hop."""

import pytest
from multidict import CIMultiDict

from gateway.headers import HOP_BY_HOP, end_to_end, has_body, towards_upstream


def upstream_headers(*headers: tuple[str, str]) -> CIMultiDict[str]:
    return towards_upstream(CIMultiDict(headers), "192.0.2.7", "http", "request-1")


@pytest.mark.parametrize("name", sorted(HOP_BY_HOP))
def test_hop_by_hop_headers_stay_here(name: str) -> None:
    assert end_to_end(CIMultiDict({name.title(): "x", "Accept": "*/*"})) == {"Accept": "*/*"}


def test_headers_that_connection_names_stay_here_in_any_case_and_line() -> None:
    headers = CIMultiDict(
        [
            ("Connection", "close, X-First"),
            ("connection", "x-SECOND"),
            ("X-First", "1"),
            ("X-Second", "2"),
            ("X-Third", "3"),
        ]
    )
    assert end_to_end(headers) == {"X-Third": "3"}


def test_repeated_headers_stay_separate_and_in_order() -> None:
    headers = CIMultiDict([("Set-Cookie", "b=2"), ("ETag", '"1"'), ("Set-Cookie", "a=1")])
    assert end_to_end(headers).getall("Set-Cookie") == ["b=2", "a=1"]


def test_a_length_beside_chunks_is_dropped() -> None:
    headers = CIMultiDict({"Transfer-Encoding": "chunked", "Content-Length": "5"})
    assert not end_to_end(headers)


def test_the_headers_given_are_left_as_they_were() -> None:
    headers = CIMultiDict({"Host": "lab.example", "Connection": "close"})
    before = headers.copy()
    towards_upstream(headers, "192.0.2.7", "http", "request-1")
    assert headers == before


def test_the_upstream_learns_who_asked_and_by_which_name() -> None:
    headers = upstream_headers(("Host", "lab.example:8080"))
    assert headers["X-Forwarded-For"] == "192.0.2.7"
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["X-Forwarded-Host"] == "lab.example:8080"
    assert "Host" not in headers


def test_the_peer_is_the_last_of_all_who_forwarded() -> None:
    headers = upstream_headers(
        ("X-Forwarded-For", "198.51.100.1, 198.51.100.2"), ("X-Forwarded-For", "198.51.100.3")
    )
    assert headers.getall("X-Forwarded-For") == [
        "198.51.100.1, 198.51.100.2, 198.51.100.3, 192.0.2.7"
    ]


def test_a_request_that_names_no_host_forwards_none() -> None:
    assert "X-Forwarded-Host" not in upstream_headers()


def test_the_request_id_replaces_what_the_client_sent() -> None:
    headers = upstream_headers(("X-Request-ID", "not acceptable!"), ("x-request-id", "twice"))
    assert headers.getall("X-Request-ID") == ["request-1"]


def test_an_expectation_that_is_met_already_goes_no_further() -> None:
    assert "Expect" not in upstream_headers(("Expect", "100-continue"))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"Content-Length": "0"}, False),
        ({"Content-Length": "3"}, True),
        ({"Transfer-Encoding": "chunked"}, True),
    ],
)
def test_a_body_is_announced_by_its_length_or_by_chunks(
    headers: dict[str, str], expected: bool
) -> None:
    assert has_body(CIMultiDict(headers)) is expected
