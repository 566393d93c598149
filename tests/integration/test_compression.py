"""Compression: what is really sent."""

import zlib
from typing import Any

import brotli
import orjson
import pytest
import zstandard
from aiohttp import hdrs

from tests.conftest import Client, ClientOf, samples

DECODERS = {
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    "br": brotli.decompress,
    "gzip": lambda body: zlib.decompress(body, 16 + zlib.MAX_WBITS),
    "identity": lambda body: body,
}


async def get(client: Client, accept: str | None, posts: int = 20) -> Any:
    headers = {} if accept is None else {"Accept-Encoding": accept}
    return await client.session.get(
        client.make_url("/compression/optimized"),
        params={"posts": str(posts)},
        headers=headers,
        skip_auto_headers=[hdrs.ACCEPT_ENCODING],
        auto_decompress=False,
    )


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, br", "br"),
        ("gzip", "gzip"),
        ("gzip;q=0, br;q=0.1", "br"),
        ("*", "zstd"),
        ("deflate", "identity"),
        ("", "identity"),
        (None, "identity"),
    ],
)
async def test_the_coding_that_was_agreed_on_is_sent(
    client_of: ClientOf, accept: str | None, coding: str
) -> None:
    client = await client_of("compression")
    response = await get(client, accept)
    assert response.headers.get("Content-Encoding", "identity") == coding
    assert response.headers["Vary"] == "Accept-Encoding"
    plain = await (await client.get("/compression/naive", params={"posts": 20})).json()
    assert orjson.loads(DECODERS[coding](await response.read())) == plain


async def test_a_compressed_body_is_less_than_half_as_long(client_of: ClientOf) -> None:
    client = await client_of("compression")
    for accept in ("zstd", "br", "gzip"):
        sent = len(await (await get(client, accept)).read())
        assert sent * 2 < len(await (await get(client, None)).read())


async def test_a_large_body_is_compressed_too(client_of: ClientOf) -> None:
    client = await client_of("compression")
    response = await get(client, "zstd", posts=500)
    assert len(orjson.loads(DECODERS["zstd"](await response.read()))["posts"]) == 500


async def test_who_refuses_every_coding_gets_406(client_of: ClientOf) -> None:
    client = await client_of("compression")
    assert (await get(client, "identity;q=0, *;q=0")).status == 406


async def test_bytes_are_counted_before_and_after(client_of: ClientOf) -> None:
    client = await client_of("compression")
    body = await (await get(client, "gzip")).read()
    counted = await samples(client)
    labels = 'encoding="gzip",stage="{}",technique="compression",variant="optimized"'
    name = f"compression_bytes_total{{{{{labels}}}}}"
    assert counted[name.format("out")] == len(body)
    assert counted[name.format("in")] == len(DECODERS["gzip"](body))
