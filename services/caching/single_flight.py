"""At most one load of a key at a time in this process, shared by those who may have its result.

Who may is a question of time. A reader that comes while a load runs may come after a write that the
load has not seen, so that it must not be given that load's result. Each result therefore carries
`as_of`: every write acknowledged before that instant is in it. Who came earlier takes it; who came
later waits for the next load, and all who did so share that one.
"""

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, Generic, Protocol, TypeVar

from services.caching.background import Background


class Dated(Protocol):
    """A result that knows its age; in seconds of the flights' clock."""

    @property
    def as_of(self) -> float: ...


Result = TypeVar("Result", bound=Dated)


class SingleFlight(Generic[Result]):
    """A load runs in a task of its own: a caller that gives up does not end it for the others."""

    def __init__(self, background: Background, clock: Callable[[], float] = monotonic) -> None:
        self._background = background
        self._clock = clock
        self._flights: dict[str, asyncio.Task[Result]] = {}

    def is_flying(self, key: str) -> bool:
        return key in self._flights

    async def run(
        self, key: str, load: Callable[[], Coroutine[Any, Any, Result]]
    ) -> tuple[Result, bool]:
        """A result as of now or later, and whether it is another's. Raises what the load raises."""
        arrived = self._clock()
        while (flight := self._flights.get(key)) is not None:
            result = await asyncio.shield(flight)
            if result.as_of >= arrived:
                return result, True
        flight = self._background.start(self._fly(key, load))
        self._flights[key] = flight
        return await asyncio.shield(flight), False

    async def _fly(self, key: str, load: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        try:
            return await load()
        finally:
            del self._flights[key]
