"""Large answers encoded slice by slice, so that nobody else waits for the whole of one.

A thread would not help: the encoders here hold the interpreter's lock until they are done.
"""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple, Protocol

from services.json_serialization.encoders import encode_as_msgpack, encode_with_orjson

#: So many rows are encoded without a pause: rows of a few hundred bytes take well under a
#: millisecond. A shorter slice costs throughput, a longer one the latency of other requests.
ROWS_AT_ONCE = 1000

#: Bytes, or a view of some of them.
Piece = bytes | memoryview


class Form(Protocol):
    """A document `{"count": …, "rows": […]}` in one media type, at once or piece by piece."""

    media_type: str
    encoder: str
    separator: bytes
    closing: bytes

    def whole(self, rows: Sequence[object]) -> bytes: ...

    def opening(self, count: int) -> bytes:
        """What stands before the first of so many rows."""

    def piece(self, rows: Sequence[object]) -> Piece:
        """These rows, without what opens and closes an array."""


class JsonForm:
    media_type = "application/json"
    encoder = "orjson"
    separator = b","
    closing = b"]}"

    def whole(self, rows: Sequence[object]) -> bytes:
        return encode_with_orjson({"count": len(rows), "rows": rows})

    def opening(self, count: int) -> bytes:
        return b'{"count":%d,"rows":[' % count

    def piece(self, rows: Sequence[object]) -> Piece:
        # A view: slicing the bytes themselves would copy them.
        return memoryview(encode_with_orjson(rows))[1:-1]


class MsgpackForm:
    """MessagePack tells lengths in advance, so that pieces are put together without separators."""

    media_type = "application/msgpack"
    encoder = "msgpack"
    separator = closing = b""

    def whole(self, rows: Sequence[object]) -> bytes:
        return encode_as_msgpack({"count": len(rows), "rows": rows})

    def opening(self, count: int) -> bytes:
        without_rows = encode_as_msgpack({"count": count, "rows": []})
        return without_rows.removesuffix(_array_header(0)) + _array_header(count)

    def piece(self, rows: Sequence[object]) -> Piece:
        return memoryview(encode_as_msgpack(rows))[len(_array_header(len(rows))) :]


def _array_header(count: int) -> bytes:
    """What stands before an array's elements: fixarray, array 16 or array 32."""
    if count < 1 << 4:
        return (0x90 | count).to_bytes(1, "big")
    if count < 1 << 16:
        return b"\xdc" + count.to_bytes(2, "big")
    return b"\xdd" + count.to_bytes(4, "big")


class Encoded(NamedTuple):
    """A body, and the seconds of encoding in it: pauses do not count."""

    body: bytes | bytearray
    seconds: float


async def encode(
    rows: Sequence[object],
    form: Form,
    rows_at_once: int = ROWS_AT_ONCE,
    clock: Callable[[], float] = perf_counter,
) -> Encoded:
    """The whole document, byte for byte; between slices others have their turn."""
    started = clock()
    if len(rows) <= rows_at_once:
        return Encoded(form.whole(rows), clock() - started)
    seconds = 0.0
    body = bytearray(form.opening(len(rows)))
    for start in range(0, len(rows), rows_at_once):
        if start:
            seconds += clock() - started
            await asyncio.sleep(0)
            started = clock()
            body += form.separator
        # Added at once: joining all pieces at the end would be the longest turn of all.
        body += form.piece(rows[start : start + rows_at_once])
    body += form.closing
    return Encoded(body, seconds + clock() - started)
