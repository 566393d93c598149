"""BodyEncoder: which bodies it encodes, in a thread or inline, and what the observer receives."""

import asyncio
from collections.abc import Callable
from itertools import count
from random import Random

import pytest

from services.compression.accept_encoding import parse_accept_encoding
from services.compression.body_encoder import (
    MINIMUM_BYTES,
    THREADS,
    BodyEncoder,
    TimedBytes,
    is_compressible,
)
from services.compression.codings import CODINGS
from tests.unit.services.compression.decoders import DECODERS, prose

BROWSER = parse_accept_encoding(["gzip, deflate, br, zstd"])
WITHOUT_IDENTITY = parse_accept_encoding(["gzip, *;q=0"])
TEXT = prose(20)
NOISE = Random(1).randbytes(4_000)
JSON = "application/json"


class Recorder:
    """An observer that keeps its calls, and a runner that counts the functions run in a thread."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, int, float]] = []
        self.in_thread = 0

    def body_encoded(
        self, coding: str, plain_bytes: int, encoded_bytes: int, seconds: float
    ) -> None:
        self.calls.append((coding, plain_bytes, encoded_bytes, seconds))

    async def run(self, work: Callable[[], TimedBytes]) -> TimedBytes:
        self.in_thread += 1
        return await asyncio.to_thread(work)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def encoder(recorder: Recorder) -> BodyEncoder:
    return BodyEncoder(tuple(CODINGS), recorder.run, recorder, clock=count(5).__next__)


@pytest.mark.parametrize(
    ("content_type", "compressible"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("text/html", True),
        ("image/svg+xml", True),
        ("application/problem+json", True),
        ("application/wasm", True),
        ("font/ttf", True),
        ("font/woff2", False),
        ("image/png", False),
        ("image/jpeg", False),
        ("video/mp4", False),
        ("application/zip", False),
        ("application/gzip", False),
        ("application/octet-stream", False),
        ("application/jsonx", False),
        ("", False),
    ],
)
def test_content_types_are_compressible_or_compressed_already(
    content_type: str, compressible: bool
) -> None:
    assert is_compressible(content_type) is compressible


@pytest.mark.parametrize(
    ("size", "content_type", "has_coding", "coding"),
    [
        (MINIMUM_BYTES, JSON, False, "zstd"),
        (MINIMUM_BYTES - 1, JSON, False, "identity"),
        (MINIMUM_BYTES, "image/png", False, "identity"),
        (MINIMUM_BYTES, JSON, True, "identity"),
    ],
)
def test_a_body_that_is_not_worth_encoding_is_sent_unchanged(
    encoder: BodyEncoder, size: int, content_type: str, has_coding: bool, coding: str
) -> None:
    assert encoder.choose(BROWSER, size, content_type, has_coding) == coding


def test_every_body_is_encoded_if_the_client_refuses_identity(encoder: BodyEncoder) -> None:
    assert encoder.choose(WITHOUT_IDENTITY, 1, "image/png") == "gzip"


def test_a_body_with_a_coding_is_not_encoded_again_even_if_the_client_refuses_identity(
    encoder: BodyEncoder,
) -> None:
    assert encoder.choose(WITHOUT_IDENTITY, 5000, JSON, has_coding=True) == "identity"


def test_no_coding_is_chosen_if_the_client_refuses_all(encoder: BodyEncoder) -> None:
    assert encoder.choose(parse_accept_encoding(["*;q=0"]), 5000, JSON) is None


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_small_body_is_encoded_on_the_event_loop(
    encoder: BodyEncoder, recorder: Recorder, coding: str
) -> None:
    encoded = await encoder.encode(TEXT, coding, BROWSER)
    assert encoded.coding == coding
    assert DECODERS[coding](encoded.body) == TEXT
    assert recorder.in_thread == 0
    assert recorder.calls == [(coding, len(TEXT), len(encoded.body), 1)]


@pytest.mark.parametrize(("size", "level"), [(300_000, 0), (2_000, 9)])
@pytest.mark.parametrize("coding", CODINGS)
async def test_a_large_body_or_a_high_level_is_encoded_in_a_thread(
    encoder: BodyEncoder, recorder: Recorder, coding: str, size: int, level: int
) -> None:
    body = (TEXT * (size // len(TEXT) + 1))[:size]
    encoded = await encoder.encode(body, coding, BROWSER, level)
    assert DECODERS[coding](encoded.body) == body
    assert recorder.in_thread == 1


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_body_that_would_not_shrink_is_sent_unchanged(
    encoder: BodyEncoder, recorder: Recorder, coding: str
) -> None:
    encoded = await encoder.encode(NOISE, coding, BROWSER)
    assert (encoded.coding, encoded.body) == ("identity", NOISE)
    assert recorder.calls == [("identity", len(NOISE), len(NOISE), 1)]


async def test_a_body_that_does_not_shrink_is_encoded_if_the_client_refuses_identity(
    encoder: BodyEncoder,
) -> None:
    encoded = await encoder.encode(NOISE, "gzip", WITHOUT_IDENTITY)
    assert encoded.coding == "gzip"
    assert DECODERS["gzip"](encoded.body) == NOISE


async def test_identity_leaves_the_body_unchanged_and_takes_no_time(
    encoder: BodyEncoder, recorder: Recorder
) -> None:
    encoded = await encoder.encode(TEXT, "identity", BROWSER)
    assert (encoded.coding, encoded.body) == ("identity", TEXT)
    assert recorder.calls == [("identity", len(TEXT), len(TEXT), 0)]


async def test_a_body_of_the_same_length_after_encoding_is_sent_unchanged(
    encoder: BodyEncoder,
) -> None:
    # gzip adds a constant to text without repetition, and saves more and more for repeated letters.
    (same,) = [
        body
        for body in (b"abcdefgh" + b"a" * length for length in range(40))
        if len(CODINGS["gzip"].encode(body, 6)) == len(body)
    ][:1]
    encoded = await encoder.encode(same, "gzip", BROWSER)
    assert (encoded.coding, encoded.body) == ("identity", same)


@pytest.mark.parametrize("coding", CODINGS)
async def test_without_a_level_the_default_for_the_size_is_used(
    encoder: BodyEncoder, coding: str
) -> None:
    encoded = await encoder.encode(TEXT, coding, BROWSER)
    level = CODINGS[coding].level(len(TEXT))
    assert encoded.body == CODINGS[coding].encode(TEXT, level)
    assert encoded.body != CODINGS[coding].encode(TEXT, 1)


async def test_the_file_level_is_refused(encoder: BodyEncoder) -> None:
    with pytest.raises(ValueError, match="levels 1 to 9"):
        await encoder.encode(TEXT, "br", BROWSER, 11)


class Gate:
    """Runs functions in threads after it is opened, and counts how many run at the same time."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.full = asyncio.Event()
        self.running = 0
        self.maximum = 0

    async def run(self, work: Callable[[], TimedBytes]) -> TimedBytes:
        self.running += 1
        self.maximum = max(self.maximum, self.running)
        if self.running == THREADS:
            self.full.set()
        try:
            await self.open.wait()
            return await asyncio.to_thread(work)
        finally:
            self.running -= 1


async def test_at_most_two_bodies_are_encoded_in_threads_at_the_same_time() -> None:
    gate = Gate()
    encoder = BodyEncoder(("br",), gate.run, Recorder())
    tasks = [asyncio.create_task(encoder.encode(TEXT, "br", BROWSER, 9)) for _ in range(6)]
    await gate.full.wait()
    tasks[-1].cancel()
    gate.open.set()
    *done, cancelled = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert all(not isinstance(each, BaseException) for each in done)
    assert gate.maximum == THREADS == 2
