"""Regular upkeep of a pool: closes unneeded connections, reports leaks, opens missing ones."""

import asyncio
import logging
from typing import Any

from services.connection_pooling.connection_supply import Clock, ConnectionSupply
from services.connection_pooling.ledger import Ledger
from services.connection_pooling.pool_observer import PoolObserver

logger = logging.getLogger(__name__)


class Housekeeper:
    """Inspects the free and lent connections of a pool."""

    def __init__(
        self, ledger: Ledger[Any], supply: ConnectionSupply, observer: PoolObserver, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._supply = supply
        self._observer = observer
        self._clock = clock

    async def run(self, interval_seconds: float) -> None:
        """Does the upkeep every `interval_seconds` until cancelled."""
        while True:
            await asyncio.sleep(interval_seconds)
            now = self._clock()
            self._close_unneeded(now)
            self._report_leaks(now)
            self._supply.open_missing()

    def _close_unneeded(self, now: float) -> None:
        for pooled in [each for each in self._ledger.free if each.connection.closed]:
            self._supply.close_connection(pooled, "dead")
        for pooled in self._ledger.expired_connections(now):
            self._supply.close_connection(pooled, "aged")
        for pooled in self._ledger.surplus_connections(now):
            self._supply.close_connection(pooled, "idle")

    def _report_leaks(self, now: float) -> None:
        for pooled in self._ledger.new_leaks(now):
            logger.warning(
                "possible leak: a connection has been lent for %.1f s; borrowed at %s",
                now - pooled.borrowed_at,
                pooled.borrower,
            )
            self._observer.connection_leaked()
