"""Looks a page up in a cache and counts the outcome, the same for all cached variants."""

import random
from typing import Protocol

from aiohttp import web

from services import telemetry
from services.caching.cache import Cache
from services.caching.cache_answer import Answer, Outcome
from services.caching.leased_loader import Load
from services.caching.near_cache import NearCache
from services.caching.post_page import load_post_page
from services.caching.technique import TECHNIQUE
from services.chassis.metrics import METRICS
from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE


class LookupCounts:
    """Counts lookups by variant and outcome."""

    def __init__(self, application: web.Application) -> None:
        counter = application[METRICS].counter(telemetry.CACHE_REQUESTS)
        self._counts = {
            (variant, outcome): counter.labels(TECHNIQUE.name, variant, outcome)
            for variant in TECHNIQUE.variant_names()
            if variant != "naive"
            for outcome in Outcome
        }

    def count(self, variant: str, outcome: Outcome) -> None:
        self._counts[variant, outcome].inc()


LOOKUP_COUNTS = web.AppKey("lookup_counts", LookupCounts)
CACHE = web.AppKey("cache", Cache)
NEAR_CACHE = web.AppKey("near_cache", NearCache)


class PageCache(Protocol):
    """A Cache or a NearCache."""

    async def get(self, key: str, load: Load) -> Answer: ...

    async def invalidate(self, key: str) -> None: ...


async def look_up(request: web.Request, variant: str, cache: PageCache) -> Answer:
    """Return the page that the request's parameters name; `changed` may invalidate it first."""
    parameters = request[PARAMETERS]
    number, changed = parameters.integer("id"), parameters.integer("changed")
    database = request.app[DATABASE]
    # Simulates a writer: `changed` percent of the lookups invalidate the page first.
    if changed and random.random() * 100 < changed:  # noqa: S311 - not secret
        await cache.invalidate(str(number))
    answer = await cache.get(str(number), lambda: load_post_page(database, number))
    request.app[LOOKUP_COUNTS].count(variant, answer.outcome)
    return answer
