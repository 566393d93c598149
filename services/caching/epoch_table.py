"""The epoch of a namespace as a row in PostgreSQL."""

from services.chassis.postgres import Database

# Begins at the time of its making, so that a row which was lost and made anew is ahead of the old.
# The lock: two services that start at once would both try to make the table.
_MAKE = """
    SELECT pg_advisory_xact_lock(hashtext('cache_epochs'));
    CREATE TABLE IF NOT EXISTS cache_epochs (namespace text PRIMARY KEY, epoch bigint NOT NULL);
    INSERT INTO cache_epochs
        VALUES (%s, (extract(epoch FROM clock_timestamp()) * 1e6)::bigint) ON CONFLICT DO NOTHING;
    SELECT 1
"""
_LOAD = "SELECT epoch FROM cache_epochs WHERE namespace = %s"
_BUMP = "UPDATE cache_epochs SET epoch = epoch + 1 WHERE namespace = %s RETURNING epoch"


class EpochTable:
    """Raises what the database raises."""

    def __init__(self, database: Database, namespace: str) -> None:
        self._database = database
        self._namespace = namespace

    async def make(self) -> None:
        """Make table and row unless they are there."""
        await self._database.fetch(_MAKE, (self._namespace,))

    async def load(self) -> int:
        return await self._one(_LOAD)

    async def bump(self) -> int:
        return await self._one(_BUMP)

    async def _one(self, statement: str) -> int:
        rows = await self._database.fetch(statement, (self._namespace,))
        if not rows:  # the table was emptied under a running service
            await self.make()
            rows = await self._database.fetch(statement, (self._namespace,))
        ((epoch,),) = rows
        return int(epoch)
