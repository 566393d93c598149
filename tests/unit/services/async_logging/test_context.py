"""Bound fields: there while the block lasts, for one request alone."""

import asyncio

from services.async_logging.context import bind, bound


def test_fields_are_bound_until_the_block_is_left() -> None:
    with bind({"a": 1, "b": 1}):
        with bind({"b": 2}):
            assert bound() == {"a": 1, "b": 2}
        assert bound() == {"a": 1, "b": 1}
    assert bound() == {}


async def test_requests_at_the_same_time_do_not_mix_and_their_threads_know_them() -> None:
    both_bound = asyncio.Barrier(2)

    async def request(name: str) -> tuple[object, object]:
        with bind({"request_id": name}):
            await both_bound.wait()
            return bound(), await asyncio.to_thread(bound)

    async with asyncio.timeout(30):
        seen = await asyncio.gather(request("one"), request("two"))
    expected: list[tuple[object, object]] = [
        ({"request_id": name}, {"request_id": name}) for name in ("one", "two")
    ]
    assert list(seen) == expected
