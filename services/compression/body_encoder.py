"""Encodes the bodies of answers: what is worth it, at which level, on the loop or off it."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Protocol

from services.compression.accept_encoding import IDENTITY, AcceptEncoding
from services.compression.codings import CODINGS, Coding
from services.compression.negotiation import choose

#: Below this many bytes the headers that compression adds weigh as much as it saves.
MINIMUM_BYTES = 1024
#: Bodies being encoded off the loop at a time; the others wait, until their deadline at most. More
#: threads than cores would only make each of them slower.
THREADS = 2

_COMPRESSIBLE = re.compile(
    r"text/.+|.+\+(json|xml|text)"
    r"|application/(json|ndjson|javascript|xml|wasm|manifest\+json|vnd\.ms-fontobject)"
    r"|font/(ttf|otf|collection)|image/(bmp|x-icon|vnd\.microsoft\.icon)"
)

#: The encoded body, and the seconds that it took.
Timed = tuple[bytes, float]
OffLoop = Callable[[Callable[[], Timed]], Awaitable[Timed]]


class Observer(Protocol):
    """Told of every body that leaves; `seconds` is what encoding took, 0 where nothing was."""

    def encoded(self, coding: str, before: int, after: int, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Encoded:
    coding: str
    body: bytes


def is_compressible(content_type: str) -> bool:
    """Whether such content is not compressed in itself, as nearly all of image, audio, video is."""
    return bool(_COMPRESSIBLE.fullmatch(content_type.partition(";")[0].strip().lower()))


class Encoder:
    """Encodes with the codings on offer, in the server's order of preference.

    `off_loop` runs a function in a thread. For use in one event loop.
    """

    def __init__(
        self,
        offered: Sequence[str],
        off_loop: OffLoop,
        observer: Observer,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self.offered = tuple(offered)
        self._off_loop = off_loop
        self._observer = observer
        self._clock = clock
        self._threads = asyncio.Semaphore(THREADS)

    def choose(
        self, accepted: AcceptEncoding, size: int, content_type: str, encoded_already: bool = False
    ) -> str:
        """What to try for a body of this size. Raises NotAcceptable.

        A body that carries a coding already is sent as it is. One that is not worth it is, too,
        unless the client refuses that.
        """
        worth_it = size >= MINIMUM_BYTES and is_compressible(content_type)
        if encoded_already or (not worth_it and accepted.accepts(IDENTITY)):
            return IDENTITY
        return choose(accepted, self.offered)

    async def encode(
        self, body: bytes, coding: str, accepted: AcceptEncoding, level: int = 0
    ) -> Encoded:
        """In this coding, or as it was where that is no longer and the client accepts it.

        Level 0 is the coding's own for the size. Raises ValueError when the coding has no such.
        """
        encoded, seconds = await self._encode(body, coding, level)
        if len(encoded) >= len(body) and accepted.accepts(IDENTITY):
            coding, encoded = IDENTITY, body
        self._observer.encoded(coding, len(body), len(encoded), seconds)
        return Encoded(coding, encoded)

    async def _encode(self, body: bytes, name: str, asked: int) -> Timed:
        if name == IDENTITY:
            return body, 0.0
        coding = CODINGS[name]
        level = coding.level(len(body), asked)
        work = partial(self._timed, coding, body, level)
        if coding.is_quick(len(body), level):
            return work()
        # Who is cancelled while waiting here leaves nothing behind; a body that is being encoded
        # already cannot be stopped, and its place is free a little early.
        async with self._threads:
            return await self._off_loop(work)

    def _timed(self, coding: Coding, body: bytes, level: int) -> Timed:
        started = self._clock()
        return coding.encode(body, level), self._clock() - started
