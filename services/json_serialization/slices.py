"""Encodes a large document in slices of rows, so that other requests are answered in between.

A thread would not help: the encoders used here hold the GIL until they are done.
"""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple, Protocol

from services.json_serialization.document_encoders import encode_as_msgpack, encode_with_orjson

#: Rows that are encoded without a pause. A slice of rows of a few hundred bytes takes well under a
#: millisecond. Smaller slices cost throughput, larger ones the latency of other requests.
ROWS_PER_SLICE = 1000

#: Bytes, or a view of a part of them.
Piece = bytes | memoryview


class DocumentFormat(Protocol):
    """Encodes the document `{"count": …, "rows": […]}` in one media type, whole or in pieces.

    The pieces are: opening, slices of rows with `separator` between them, `closing`.
    `encoder` is the metric's label.
    """

    media_type: str
    encoder: str
    separator: bytes
    closing: bytes

    def whole(self, rows: Sequence[object]) -> bytes: ...

    def opening(self, count: int) -> bytes:
        """Return the bytes before the first of `count` rows."""

    def piece(self, rows: Sequence[object]) -> Piece:
        """Return the encoded rows without the beginning and end of an array."""


class JsonFormat:
    media_type = "application/json"
    encoder = "orjson"
    separator = b","
    closing = b"]}"

    def whole(self, rows: Sequence[object]) -> bytes:
        return encode_with_orjson({"count": len(rows), "rows": rows})

    def opening(self, count: int) -> bytes:
        return b'{"count":%d,"rows":[' % count

    def piece(self, rows: Sequence[object]) -> Piece:
        # A slice of the bytes themselves would copy them.
        return memoryview(encode_with_orjson(rows))[1:-1]


class MsgpackFormat:
    """MessagePack writes an array's length before its elements, so pieces need no separators."""

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
    """Return the bytes before an array's elements: fixarray, array 16 or array 32."""
    if count < 1 << 4:
        return (0x90 | count).to_bytes(1, "big")
    if count < 1 << 16:
        return b"\xdc" + count.to_bytes(2, "big")
    return b"\xdd" + count.to_bytes(4, "big")


class EncodedDocument(NamedTuple):
    """A body, and the seconds that encoding took, without the pauses between slices."""

    body: bytes | bytearray
    seconds: float


async def encode_in_slices(
    rows: Sequence[object],
    document_format: DocumentFormat,
    rows_per_slice: int = ROWS_PER_SLICE,
    clock: Callable[[], float] = perf_counter,
) -> EncodedDocument:
    """Encode the same bytes as `document_format.whole`, with a turn of the event loop per slice."""
    started = clock()
    if len(rows) <= rows_per_slice:
        return EncodedDocument(document_format.whole(rows), clock() - started)
    seconds = 0.0
    body = bytearray(document_format.opening(len(rows)))
    for start in range(0, len(rows), rows_per_slice):
        if start:
            seconds += clock() - started
            await asyncio.sleep(0)
            started = clock()
            body += document_format.separator
        # Appended per slice: joining all pieces at the end would be the longest stall of all.
        body += document_format.piece(rows[start : start + rows_per_slice])
    body += document_format.closing
    return EncodedDocument(body, seconds + clock() - started)
