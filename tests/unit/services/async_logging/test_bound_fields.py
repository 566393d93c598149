"""Bound fields: their scope, and their separation between concurrent requests."""

import asyncio

from services.async_logging.bound_fields import bind_fields, bound_fields


def test_fields_are_bound_only_inside_the_block() -> None:
    with bind_fields({"a": 1, "b": 1}):
        with bind_fields({"b": 2}):
            assert bound_fields() == {"a": 1, "b": 2}
        assert bound_fields() == {"a": 1, "b": 1}
    assert bound_fields() == {}


async def test_concurrent_requests_and_their_threads_see_only_their_own_fields() -> None:
    both_bound = asyncio.Barrier(2)

    async def request(name: str) -> tuple[object, object]:
        with bind_fields({"request_id": name}):
            await both_bound.wait()
            return bound_fields(), await asyncio.to_thread(bound_fields)

    async with asyncio.timeout(30):
        seen = await asyncio.gather(request("one"), request("two"))
    expected: list[tuple[object, object]] = [
        ({"request_id": name}, {"request_id": name}) for name in ("one", "two")
    ]
    assert list(seen) == expected
