"""What is encoded and what is left, where, and what is told of it."""

import asyncio
from collections.abc import Callable
from itertools import count
from random import Random

import pytest

from services.compression.accept_encoding import parse
from services.compression.codings import CODINGS
from services.compression.encoder import (
    MINIMUM_BYTES,
    THREADS,
    Encoder,
    Timed,
    is_compressible,
)
from services.compression.negotiation import NotAcceptable
from tests.unit.services.compression.decoders import DECODERS, prose

BROWSER = parse(["gzip, deflate, br, zstd"])
WITHOUT_IDENTITY = parse(["gzip, *;q=0"])
TEXT = prose(20)
NOISE = Random(1).randbytes(4_000)
JSON = "application/json"


class Recorder:
    """An observer, and who runs off the loop."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int, float]] = []
        self.off_loop = 0

    def encoded(self, coding: str, before: int, after: int, seconds: float) -> None:
        self.told.append((coding, before, after, seconds))

    async def run(self, work: Callable[[], Timed]) -> Timed:
        self.off_loop += 1
        return await asyncio.to_thread(work)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def encoder(recorder: Recorder) -> Encoder:
    return Encoder(tuple(CODINGS), recorder.run, recorder, clock=count().__next__)


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
def test_what_is_compressed_in_itself_is_known_by_its_type(
    content_type: str, compressible: bool
) -> None:
    assert is_compressible(content_type) is compressible


@pytest.mark.parametrize(
    ("size", "content_type", "encoded_already", "coding"),
    [
        (MINIMUM_BYTES, JSON, False, "zstd"),
        (MINIMUM_BYTES - 1, JSON, False, "identity"),
        (MINIMUM_BYTES, "image/png", False, "identity"),
        (MINIMUM_BYTES, JSON, True, "identity"),
    ],
)
def test_what_is_not_worth_it_is_left_as_it_is(
    encoder: Encoder, size: int, content_type: str, encoded_already: bool, coding: str
) -> None:
    assert encoder.choose(BROWSER, size, content_type, encoded_already) == coding


def test_who_refuses_identity_gets_what_is_not_worth_it_encoded(encoder: Encoder) -> None:
    assert encoder.choose(WITHOUT_IDENTITY, 1, "image/png") == "gzip"


def test_a_body_is_not_encoded_twice_even_for_who_refuses_identity(encoder: Encoder) -> None:
    assert encoder.choose(WITHOUT_IDENTITY, 5000, JSON, encoded_already=True) == "identity"


def test_who_refuses_everything_is_told(encoder: Encoder) -> None:
    with pytest.raises(NotAcceptable):
        encoder.choose(parse(["*;q=0"]), 5000, JSON)


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_small_body_is_encoded_on_the_loop(
    encoder: Encoder, recorder: Recorder, coding: str
) -> None:
    encoded = await encoder.encode(TEXT, coding, BROWSER)
    assert encoded.coding == coding
    assert DECODERS[coding](encoded.body) == TEXT
    assert recorder.off_loop == 0
    assert recorder.told == [(coding, len(TEXT), len(encoded.body), 1)]


@pytest.mark.parametrize(("size", "level"), [(300_000, 0), (2_000, 9)])
@pytest.mark.parametrize("coding", CODINGS)
async def test_what_takes_long_is_encoded_off_the_loop(
    encoder: Encoder, recorder: Recorder, coding: str, size: int, level: int
) -> None:
    body = (TEXT * (size // len(TEXT) + 1))[:size]
    encoded = await encoder.encode(body, coding, BROWSER, level)
    assert DECODERS[coding](encoded.body) == body
    assert recorder.off_loop == 1


@pytest.mark.parametrize("coding", CODINGS)
async def test_what_would_not_shrink_is_left_as_it_is(
    encoder: Encoder, recorder: Recorder, coding: str
) -> None:
    encoded = await encoder.encode(NOISE, coding, BROWSER)
    assert (encoded.coding, encoded.body) == ("identity", NOISE)
    assert recorder.told == [("identity", len(NOISE), len(NOISE), 1)]


async def test_what_does_not_shrink_is_encoded_for_who_refuses_identity(encoder: Encoder) -> None:
    encoded = await encoder.encode(NOISE, "gzip", WITHOUT_IDENTITY)
    assert encoded.coding == "gzip"
    assert DECODERS["gzip"](encoded.body) == NOISE


async def test_a_level_that_is_for_files_is_refused(encoder: Encoder) -> None:
    with pytest.raises(ValueError, match="levels 1 to 9"):
        await encoder.encode(TEXT, "br", BROWSER, 11)


class Gate:
    """Runs work in threads that wait until it is opened; counts how many are in."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.full = asyncio.Event()
        self.inside = 0
        self.most = 0

    async def run(self, work: Callable[[], Timed]) -> Timed:
        self.inside += 1
        self.most = max(self.most, self.inside)
        if self.inside == THREADS:
            self.full.set()
        try:
            await self.open.wait()
            return await asyncio.to_thread(work)
        finally:
            self.inside -= 1


async def test_no_more_bodies_are_encoded_at_a_time_than_there_are_threads() -> None:
    gate = Gate()
    encoder = Encoder(("br",), gate.run, Recorder())
    tasks = [asyncio.create_task(encoder.encode(TEXT, "br", BROWSER, 9)) for _ in range(6)]
    await gate.full.wait()
    tasks[-1].cancel()
    gate.open.set()
    *done, cancelled = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert all(not isinstance(each, BaseException) for each in done)
    assert gate.most == THREADS
