"""At most one load of a key at a time in this process; who comes meanwhile shares its result."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """The load runs in a task of its own: a caller that gives up does not end it for the others."""

    def __init__(self) -> None:
        self._flights: dict[str, asyncio.Task[Result]] = {}

    def is_flying(self, key: str) -> bool:
        return key in self._flights

    async def run(self, key: str, load: Callable[[], Awaitable[Result]]) -> Result:
        """The result of the flight under way, or of a new one. Raises what the load raises."""
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.ensure_future(self._fly(key, load))
            self._flights[key] = flight
        return await asyncio.shield(flight)

    async def _fly(self, key: str, load: Callable[[], Awaitable[Result]]) -> Result:
        try:
            return await load()
        finally:
            del self._flights[key]
