"""The index: which Accept headers get the HTML page, and which get JSON."""

import pytest

from gateway.index import prefers_html


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "TEXT/HTML; charset=utf-8",
        "text/*, application/json;q=0.5",
        "application/json;q=0.1, text/html;q=0.2",
    ],
)
def test_clients_that_prefer_html_to_json_get_the_page(accept: str) -> None:
    assert prefers_html([accept])


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/json",
        "application/json, text/html",
        "application/json, text/html;q=0.9",
        "text/html;q=0, */*",
        "application/json;q=nonsense, text/html;q=0.1",
        ",;,",
    ],
)
def test_other_clients_get_json(accept: str) -> None:
    assert not prefers_html([accept])
