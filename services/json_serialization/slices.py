"""Large answers encoded slice by slice, so that nobody else waits for the whole of one.

A thread would not help: the encoders here hold the interpreter's lock until they are done.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import NamedTuple, Protocol

from services.json_serialization.encoders import encode_as_msgpack, encode_with_orjson

#: So many rows are encoded without a pause: rows of a few hundred bytes take well under a
#: millisecond. A shorter slice costs throughput, a longer one the latency of other requests.
ROWS_AT_ONCE = 1000

#: Bytes, or a view of some of them.
Piece = bytes | memoryview


class Form(Protocol):
    """A document `{"count": …, "rows": […]}` in one media type, at once or from pieces."""

    media_type: str
    encoder: str

    def whole(self, rows: Sequence[object]) -> bytes: ...

    def piece(self, rows: Sequence[object]) -> Piece:
        """These rows, without what opens and closes an array."""

    def joined(self, count: int, pieces: Sequence[Piece]) -> bytes:
        """Byte for byte what `whole` makes of all `count` rows."""


class JsonForm:
    media_type = "application/json"
    encoder = "orjson"

    def whole(self, rows: Sequence[object]) -> bytes:
        return encode_with_orjson({"count": len(rows), "rows": rows})

    def piece(self, rows: Sequence[object]) -> Piece:
        # A view: slicing the bytes themselves would copy them.
        return memoryview(encode_with_orjson(rows))[1:-1]

    def joined(self, count: int, pieces: Sequence[Piece]) -> bytes:
        return b'{"count":%d,"rows":[%b]}' % (count, b",".join(pieces))


class MsgpackForm:
    """MessagePack tells lengths in advance, so that pieces are put together without separators."""

    media_type = "application/msgpack"
    encoder = "msgpack"

    def whole(self, rows: Sequence[object]) -> bytes:
        return encode_as_msgpack({"count": len(rows), "rows": rows})

    def piece(self, rows: Sequence[object]) -> Piece:
        return memoryview(encode_as_msgpack(rows))[len(_array_header(len(rows))) :]

    def joined(self, count: int, pieces: Sequence[Piece]) -> bytes:
        without_rows = encode_as_msgpack({"count": count, "rows": []})
        return b"".join([without_rows[:-1], _array_header(count), *pieces])


def _array_header(count: int) -> bytes:
    """What stands before an array's elements: fixarray, array 16 or array 32."""
    if count < 1 << 4:
        return (0x90 | count).to_bytes(1, "big")
    if count < 1 << 16:
        return b"\xdc" + count.to_bytes(2, "big")
    return b"\xdd" + count.to_bytes(4, "big")


class Encoded(NamedTuple):
    """A body, and the seconds of encoding in it: pauses do not count."""

    body: bytes
    seconds: float


async def encode(
    rows: Sequence[object],
    form: Form,
    rows_at_once: int = ROWS_AT_ONCE,
    clock: Callable[[], float] = perf_counter,
) -> Encoded:
    """The whole document; between slices others get their turn on the event loop."""
    started = clock()
    if len(rows) <= rows_at_once:
        return Encoded(form.whole(rows), clock() - started)
    seconds, pieces = 0.0, []
    for some in _slices(rows, rows_at_once):
        pieces.append(form.piece(some))
        seconds += clock() - started
        await asyncio.sleep(0)
        started = clock()
    body = form.joined(len(rows), pieces)
    return Encoded(body, seconds + clock() - started)


def _slices(rows: Sequence[object], length: int) -> Iterator[Sequence[object]]:
    for start in range(0, len(rows), length):
        yield rows[start : start + length]
