"""The headers that the gateway forwards and those that it drops."""

import pytest
from multidict import CIMultiDict

from gateway.headers import HOP_BY_HOP, end_to_end, has_body, upstream_headers


def forwarded(*headers: tuple[str, str]) -> CIMultiDict[str]:
    return upstream_headers(CIMultiDict(headers), "192.0.2.7", "http", "request-1")


@pytest.mark.parametrize("name", sorted(HOP_BY_HOP))
def test_hop_by_hop_headers_are_dropped(name: str) -> None:
    assert end_to_end(CIMultiDict({name.title(): "x", "Accept": "*/*"})) == {"Accept": "*/*"}


def test_headers_named_by_any_connection_header_are_dropped_in_any_case() -> None:
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


def test_content_length_is_dropped_beside_transfer_encoding() -> None:
    headers = CIMultiDict({"Transfer-Encoding": "chunked", "Content-Length": "5"})
    assert not end_to_end(headers)


def test_the_original_headers_are_not_changed() -> None:
    headers = CIMultiDict({"Host": "lab.example", "Connection": "close"})
    before = headers.copy()
    upstream_headers(headers, "192.0.2.7", "http", "request-1")
    assert headers == before


def test_the_service_receives_client_address_scheme_and_host() -> None:
    headers = forwarded(("Host", "lab.example:8080"))
    assert headers["X-Forwarded-For"] == "192.0.2.7"
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["X-Forwarded-Host"] == "lab.example:8080"
    assert "Host" not in headers


def test_the_peer_is_appended_to_x_forwarded_for() -> None:
    headers = forwarded(
        ("X-Forwarded-For", "198.51.100.1, 198.51.100.2"), ("X-Forwarded-For", "198.51.100.3")
    )
    assert headers.getall("X-Forwarded-For") == [
        "198.51.100.1, 198.51.100.2, 198.51.100.3, 192.0.2.7"
    ]


def test_a_request_without_host_has_no_x_forwarded_host() -> None:
    assert "X-Forwarded-Host" not in forwarded()


def test_the_request_id_replaces_the_ids_of_the_client() -> None:
    headers = forwarded(("X-Request-ID", "not acceptable!"), ("x-request-id", "twice"))
    assert headers.getall("X-Request-ID") == ["request-1"]


def test_expect_is_dropped() -> None:
    assert "Expect" not in forwarded(("Expect", "100-continue"))


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
