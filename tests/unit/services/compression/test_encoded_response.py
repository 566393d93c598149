"""The 304 for a known entity tag, and the 406 for a client that refuses every coding."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from services.compression.encoded_response import (
    CodingNotAcceptable,
    acceptable_coding,
    answer_304_if_known,
)


@pytest.mark.parametrize(
    ("lines", "is_known"),
    [
        (['"a-br"'], True),
        (['W/"a-br"'], True),
        (['"x", "a-br"'], True),
        (['"x","a-br","y"'], True),
        (['"x"', 'W/"a-br"'], True),
        (['"x"', '"y"'], False),
        (["*"], True),
        ([], False),
        ([""], False),
        (['"a"'], False),
        (['"a-gzip"'], False),
        (["a-br"], False),
        (['"a-br'], False),
        (['"xa-br"'], False),
        (['"a,-br"'], False),
        (['"*"'], False),
        (['"x"', "*"], False),
    ],
)
@pytest.mark.parametrize("tag", ['"a-br"', 'W/"a-br"'])
def test_a_tag_is_known_by_weak_comparison(tag: str, lines: list[str], is_known: bool) -> None:
    headers = CIMultiDict([("If-None-Match", line) for line in lines])
    request = make_mocked_request("GET", "/", headers=headers)
    response = web.Response(body=b"text", content_type="text/plain")
    assert answer_304_if_known(request, response, tag) is is_known
    assert response.headers["ETag"] == tag
    assert response.status == (304 if is_known else 200)
    assert response.body == (None if is_known else b"text")
    assert ("Content-Type" in response.headers) is not is_known


def test_only_the_wildcard_itself_matches_every_tag() -> None:
    response = web.Response(body=b"text")
    quoted = make_mocked_request("GET", "/", headers={"If-None-Match": '"*"'})
    assert answer_304_if_known(quoted, response, '"*"')
    assert not answer_304_if_known(quoted, web.Response(body=b"text"), '"a"')


def test_a_406_lists_the_offered_codings_and_identity() -> None:
    assert acceptable_coding("br", ("br", "gzip")) == "br"
    with pytest.raises(CodingNotAcceptable, match="one of br, gzip, identity") as raised:
        acceptable_coding(None, ("br", "gzip"))
    assert raised.value.status == 406
    assert raised.value.headers["Vary"] == "Accept-Encoding"
