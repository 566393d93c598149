"""Encoding in slices yields the same bytes, and lets other tasks run between the slices."""

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.json_serialization.slices import (
    DocumentFormat,
    JsonFormat,
    MsgpackFormat,
    encode_in_slices,
)

ROWS = st.lists(
    st.dictionaries(
        st.text(), st.none() | st.integers(0, 2**64 - 1) | st.text() | st.lists(st.text())
    )
)
each_format = pytest.mark.parametrize("document_format", [JsonFormat(), MsgpackFormat()])


def rows_numbered(length: int) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"row {number}"} for number in range(length)]


@each_format
@given(rows=ROWS, rows_per_slice=st.integers(1, 5))
def test_slices_yield_the_bytes_of_the_whole_document(
    document_format: DocumentFormat, rows: list[dict[str, Any]], rows_per_slice: int
) -> None:
    body, _ = asyncio.run(encode_in_slices(rows, document_format, rows_per_slice))
    assert body == document_format.whole(rows)


@pytest.mark.parametrize("length", [15, 16, 17, 2**16 - 1, 2**16])
@pytest.mark.parametrize("rows_per_slice", [15, 16, 2**15])
async def test_messagepack_array_headers_are_right_at_the_edges_of_their_ranges(
    length: int, rows_per_slice: int
) -> None:
    rows = list(range(length))
    body, _ = await encode_in_slices(rows, MsgpackFormat(), rows_per_slice)
    assert body == MsgpackFormat().whole(rows)
    assert msgspec.msgpack.decode(body) == {"count": length, "rows": rows}


class RecordingFormat(JsonFormat):
    """Records the number of rows of each slice."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def piece(self, rows: Any) -> Any:
        self.lengths.append(len(rows))
        return super().piece(rows)


async def test_other_tasks_run_after_every_slice() -> None:
    document_format, seen = RecordingFormat(), []

    async def other_task() -> None:
        while len(document_format.lengths) < 5:
            seen.append(len(document_format.lengths))
            await asyncio.sleep(0)

    waiting = asyncio.create_task(other_task())
    rows = rows_numbered(4001)
    body, _ = await encode_in_slices(rows, document_format)
    await waiting
    assert document_format.lengths == [1000] * 4 + [1]
    assert seen == [1, 2, 3, 4]
    assert orjson.loads(body) == {"count": len(rows), "rows": rows}


def ticks() -> Iterator[float]:
    return map(float, count(5))


@pytest.mark.parametrize(("length", "seconds"), [(3, 1), (10, 1), (11, 2), (30, 3)])
async def test_pauses_between_slices_are_not_counted_as_encoding(length: int, seconds: int) -> None:
    clock = ticks()

    async def other_task() -> None:
        while True:
            for _ in range(100):
                next(clock)
            await asyncio.sleep(0)

    waiting = asyncio.create_task(other_task())
    encoded = await encode_in_slices(
        rows_numbered(length), JsonFormat(), rows_per_slice=10, clock=lambda: next(clock)
    )
    waiting.cancel()
    # Each reading advances the clock by a second, and each slice takes one reading.
    assert encoded.seconds == seconds
