"""What the cached variants do alike: draw whether the page has just changed, look up, count."""

import random
from typing import Protocol

from aiohttp import web

from services import telemetry
from services.caching.cache import Answer, Load, Outcome
from services.caching.post_page import load_post_page
from services.caching.technique import TECHNIQUE
from services.chassis.metrics import METRICS
from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE


class Lookups:
    """Counts them by variant and outcome."""

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


LOOKUPS = web.AppKey("lookups", Lookups)


class Pages(Protocol):
    """A cache of one tier or two."""

    async def get(self, key: str, load: Load) -> Answer: ...

    async def invalidate(self, key: str) -> None: ...


async def look_up(request: web.Request, variant: str, pages: Pages) -> Answer:
    parameters = request[PARAMETERS]
    number, changed = parameters.integer("id"), parameters.integer("changed")
    database = request.app[DATABASE]
    # Drawn to simulate a load, not secret. The page is then invalidated as its writer would.
    if changed and random.random() * 100 < changed:  # noqa: S311
        await pages.invalidate(str(number))
    answer = await pages.get(str(number), lambda: load_post_page(database, number))
    request.app[LOOKUPS].count(variant, answer.outcome)
    return answer
