"""Single flight: concurrent callers of a key share one load in this process.

A caller that arrives during a load may follow a write that the load has not seen. That caller must
not get the result of that load. Each result therefore carries `as_of`: the result contains every
write acknowledged before that instant. Callers that arrived before `as_of` use the result. Later
callers share the next load.
"""

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, Generic, Protocol, TypeVar

from services.caching.background import Background


class Dated(Protocol):
    """A result with the instant up to which it is current, in seconds of the same clock."""

    @property
    def as_of(self) -> float: ...


Result = TypeVar("Result", bound=Dated)


class SingleFlight(Generic[Result]):
    """Runs each load in a background task, so a cancelled caller does not cancel the load."""

    def __init__(self, background: Background, clock: Callable[[], float] = monotonic) -> None:
        self._background = background
        self._clock = clock
        self._flights: dict[str, asyncio.Task[Result]] = {}

    def is_loading(self, key: str) -> bool:
        return key in self._flights

    async def run(
        self, key: str, load: Callable[[], Coroutine[Any, Any, Result]]
    ) -> tuple[Result, bool]:
        """Return a result as of this call or later, and whether another caller started the load.

        Raises the errors of the load.
        """
        arrived_at = self._clock()
        while (flight := self._flights.get(key)) is not None:
            result = await asyncio.shield(flight)
            if result.as_of >= arrived_at:
                return result, True
        flight = self._background.start(self._run_load(key, load))
        self._flights[key] = flight
        return await asyncio.shield(flight), False

    async def _run_load(self, key: str, load: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        try:
            return await load()
        finally:
            del self._flights[key]
