"""Shutdown: all variants write their remaining records before one common deadline."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from aiohttp import web

logger = logging.getLogger(__name__)

#: Minimum time per writer, so that a writer that has finished can still report it.
MINIMUM_SECONDS = 0.1


class DrainDeadline:
    """A deadline shared by all writers. It begins with the first call of `seconds_left`."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._deadline: float | None = None

    def seconds_left(self) -> float:
        """Seconds until the deadline; at least MINIMUM_SECONDS, even after the deadline."""
        now = self._clock()
        if self._deadline is None:
            self._deadline = now + self._seconds
        return max(MINIMUM_SECONDS, self._deadline - now)


DRAIN = web.AppKey("drain", DrainDeadline)


class ClosableWriter(Protocol):
    async def close(self, timeout: float) -> int:
        """Write the remaining records. Returns how many are unwritten after `timeout` seconds."""


async def drain(
    application: web.Application, variant: str, writers: Iterable[ClosableWriter]
) -> None:
    """Close the variant's writers concurrently, and log how many accepted records were lost."""
    deadline = application[DRAIN]
    closing = [each.close(deadline.seconds_left()) for each in writers]
    lost = sum(await asyncio.gather(*closing))
    if lost:
        logger.error(
            "%s: %d accepted log records were not written before the process ended;"
            " raise LAB_LOG_DRAIN_SECONDS if the sink is slow",
            variant,
            lost,
        )
