"""Slices: the same bytes, with turns for others between them."""

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
    ROWS_AT_ONCE,
    Form,
    JsonForm,
    MsgpackForm,
    encode,
)

ROWS = st.lists(
    st.dictionaries(
        st.text(), st.none() | st.integers(0, 2**64 - 1) | st.text() | st.lists(st.text())
    )
)
each_form = pytest.mark.parametrize("form", [JsonForm(), MsgpackForm()])


def rows_numbered(length: int) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"row {number}"} for number in range(length)]


@each_form
@given(rows=ROWS, rows_at_once=st.integers(1, 5))
def test_slices_make_the_same_bytes(
    form: Form, rows: list[dict[str, Any]], rows_at_once: int
) -> None:
    body, _ = asyncio.run(encode(rows, form, rows_at_once))
    assert body == form.whole(rows)


@pytest.mark.parametrize("length", [15, 16, 17, 2**16 - 1, 2**16])
@pytest.mark.parametrize("rows_at_once", [15, 16, 2**15])
async def test_messagepack_counts_at_the_edges_of_its_headers(
    length: int, rows_at_once: int
) -> None:
    rows = list(range(length))
    body, _ = await encode(rows, MsgpackForm(), rows_at_once)
    assert body == MsgpackForm().whole(rows)
    assert msgspec.msgpack.decode(body) == {"count": length, "rows": rows}


class Slices(JsonForm):
    """Notes how many rows are encoded at a time."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def piece(self, rows: Any) -> Any:
        self.lengths.append(len(rows))
        return super().piece(rows)


async def test_others_have_their_turn_after_every_slice() -> None:
    form, seen = Slices(), []

    async def other() -> None:
        while len(form.lengths) < 5:
            seen.append(len(form.lengths))
            await asyncio.sleep(0)

    waiting = asyncio.create_task(other())
    rows = rows_numbered(4 * ROWS_AT_ONCE + 1)
    body, _ = await encode(rows, form)
    await waiting
    assert form.lengths == [ROWS_AT_ONCE] * 4 + [1]
    assert seen == [1, 2, 3, 4]
    assert orjson.loads(body) == {"count": len(rows), "rows": rows}


def ticks() -> Iterator[float]:
    return map(float, count())


@pytest.mark.parametrize(("length", "seconds"), [(3, 1), (10, 1), (11, 2), (30, 3)])
async def test_the_time_of_others_does_not_count(length: int, seconds: int) -> None:
    clock = ticks()

    async def other() -> None:
        while True:
            for _ in range(100):
                next(clock)
            await asyncio.sleep(0)

    waiting = asyncio.create_task(other())
    encoded = await encode(
        rows_numbered(length), JsonForm(), rows_at_once=10, clock=lambda: next(clock)
    )
    waiting.cancel()
    # The clock goes on by one each time it is read: once for each slice.
    assert encoded.seconds == seconds
