"""Stores the epoch of a namespace as a row in PostgreSQL."""

from services.chassis.postgres import Database

# A new row begins at the current time. If a row was lost, the new row is therefore ahead of it.
# The lock keeps two services that start together from creating the table at the same time.
_CREATE = """
    SELECT pg_advisory_xact_lock(hashtext('cache_epochs'));
    CREATE TABLE IF NOT EXISTS cache_epochs (namespace text PRIMARY KEY, epoch bigint NOT NULL);
    INSERT INTO cache_epochs
        VALUES (%s, (extract(epoch FROM clock_timestamp()) * 1e6)::bigint) ON CONFLICT DO NOTHING;
    SELECT 1
"""
_LOAD = "SELECT epoch FROM cache_epochs WHERE namespace = %s"
_BUMP = "UPDATE cache_epochs SET epoch = epoch + 1 WHERE namespace = %s RETURNING epoch"


class EpochTable:
    """The epoch of one namespace. Every method raises the errors of the database."""

    def __init__(self, database: Database, namespace: str) -> None:
        self._database = database
        self._namespace = namespace

    async def create(self) -> None:
        """Create the table and the row if they do not exist."""
        await self._database.fetch(_CREATE, (self._namespace,))

    async def load(self) -> int:
        return await self._fetch_epoch(_LOAD)

    async def bump(self) -> int:
        """Begin the next epoch and return it."""
        return await self._fetch_epoch(_BUMP)

    async def _fetch_epoch(self, statement: str) -> int:
        rows = await self._database.fetch(statement, (self._namespace,))
        if not rows:  # the table was emptied while the service runs
            await self.create()
            rows = await self._database.fetch(statement, (self._namespace,))
        ((epoch,),) = rows
        return int(epoch)
