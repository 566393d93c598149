"""How many rows a list has, as exactly as the request wants to know."""

from services.chassis.postgres import Database
from services.pagination.listing import Listing, Statement
from services.pagination.page import Page
from services.pagination.query import Query
from services.pagination.technique import ESTIMATED, EXACT


async def total_of(
    database: Database, query: Query, page: Page, exact: Statement | int
) -> int | None:
    """`exact` is the number, where the variant has it anyway, or what tells it."""
    if query.total == EXACT:
        rows = exact if isinstance(exact, int) else await _number(database, exact)
        return query.listing.shortened(rows)
    if query.total == ESTIMATED:
        planned = await _planned(database, query.listing)
        return page.reckoned(query.listing.shortened(planned))
    return None


async def _number(database: Database, statement: Statement) -> int:
    ((number,),) = await database.fetch(statement.text, statement.parameters)
    return int(number)


async def _planned(database: Database, listing: Listing) -> int:
    statement = listing.plan()
    (((explained,),),) = await database.fetch(statement.text, statement.parameters)
    return int(explained["Plan"]["Plan Rows"])
