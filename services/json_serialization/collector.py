"""Python's garbage collector, kept away from what lives as long as the process.

A full collection visits every object there is, with the event loop at a standstill: the modules and
the kept rows come to tens of milliseconds, whenever enough rows have been made and dropped again.
"""

import gc
from collections.abc import AsyncIterator

from aiohttp import web


async def spare_what_stays(application: web.Application) -> AsyncIterator[None]:
    """A cleanup context, the last: what is there by now is never visited again."""
    gc.collect()  # else garbage would be kept for good
    gc.freeze()
    yield
    gc.unfreeze()
