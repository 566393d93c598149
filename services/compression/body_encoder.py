"""Encodes response bodies: decides whether to encode, the level, and whether to use a thread.

The codings and their levels: `codings`. Bodies in pieces: `piecewise_encoder`.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Protocol

from services.compression.accept_encoding import IDENTITY, AcceptEncoding
from services.compression.codings import CODINGS, Coding

#: For smaller bodies the headers that compression adds are as long as the bytes it saves.
MINIMUM_BYTES = 1024
#: Bodies that are encoded in threads at the same time; others wait, at most until their deadline.
#: More threads than cores would only slow each other down.
THREADS = 2

_COMPRESSIBLE = re.compile(
    r"text/.+|.+\+(json|xml|text)"
    r"|application/(json|ndjson|javascript|xml|wasm|manifest\+json|vnd\.ms-fontobject)"
    r"|font/(ttf|otf|collection)|image/(bmp|x-icon|vnd\.microsoft\.icon)"
)

#: The encoded body, and the seconds that encoding took.
TimedBytes = tuple[bytes, float]
RunInThread = Callable[[Callable[[], TimedBytes]], Awaitable[TimedBytes]]


class EncodingObserver(Protocol):
    """Receives the sizes of every body, in bytes. `seconds` is 0 if nothing was encoded."""

    def body_encoded(
        self, coding: str, plain_bytes: int, encoded_bytes: int, seconds: float
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class EncodedBody:
    coding: str
    body: bytes


def is_compressible(content_type: str) -> bool:
    """Whether the format is not compressed already, as nearly all images and videos are."""
    return bool(_COMPRESSIBLE.fullmatch(content_type.partition(";")[0].strip().lower()))


class BodyEncoder:
    """Encodes bodies with the offered codings, which are in the server's order of preference.

    `run_in_thread` runs a function in a thread. For use in one event loop.
    """

    def __init__(
        self,
        offered: Sequence[str],
        run_in_thread: RunInThread,
        observer: EncodingObserver,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self.offered = tuple(offered)
        self._run_in_thread = run_in_thread
        self._observer = observer
        self._clock = clock
        self._threads = asyncio.Semaphore(THREADS)

    def choose(
        self, accepted: AcceptEncoding, size: int, content_type: str, has_coding: bool = False
    ) -> str | None:
        """Return the coding to try for a body of `size` bytes, or None if the client refuses all.

        A body that has a coding already is sent unchanged. A body that is not worth encoding is
        sent unchanged as well, unless the client refuses identity.
        """
        is_worth_encoding = size >= MINIMUM_BYTES and is_compressible(content_type)
        if has_coding or (not is_worth_encoding and accepted.accepts(IDENTITY)):
            return IDENTITY
        return accepted.choose(self.offered)

    async def encode(
        self, body: bytes, coding: str, accepted: AcceptEncoding, level: int = 0
    ) -> EncodedBody:
        """Encode the body; return it unencoded if it did not shrink and identity is accepted.

        Level 0 is the coding's default for the size. Raises ValueError if the coding does not
        encode responses at the level.
        """
        encoded, seconds = await self._encode(body, coding, level)
        if len(encoded) >= len(body) and accepted.accepts(IDENTITY):
            coding, encoded = IDENTITY, body
        self._observer.body_encoded(coding, len(body), len(encoded), seconds)
        return EncodedBody(coding, encoded)

    async def _encode(self, body: bytes, name: str, requested_level: int) -> TimedBytes:
        if name == IDENTITY:
            return body, 0.0
        coding = CODINGS[name]
        level = coding.level(len(body), requested_level)
        work = partial(self._timed, coding, body, level)
        if coding.is_quick(len(body), level):
            return work()
        # A request can be cancelled while it waits here. Encoding that has begun cannot be stopped.
        # If its request is cancelled, one more thread than THREADS may run for a short time.
        async with self._threads:
            return await self._run_in_thread(work)

    def _timed(self, coding: Coding, body: bytes, level: int) -> TimedBytes:
        started = self._clock()
        return coding.encode(body, level), self._clock() - started
