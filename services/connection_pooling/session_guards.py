"""What the server itself watches over, whatever becomes of the client."""

from services.settings import Settings

#: In milliseconds. While a statement runs the server looks so often whether its client is there.
CLIENT_CHECK = 100


def guards(settings: Settings) -> dict[str, str]:
    """Server settings of a pooled connection, by name.

    A driver that gives a statement up closes the connection, and a server reads no farewell while
    it computes: the statement would run on, for nobody. `client_connection_check_interval`
    (PostgreSQL 14 and later) makes it look, and is there even after a kill -9 of the client.

    Sending a cancel request instead was rejected: psycopg2's `cancel()` blocks with the interpreter
    lock held, so that no thread and no deadline around it helps when the server is out of reach.
    """
    return {
        "statement_timeout": str(int(settings.statement_timeout * 1000)),
        "client_connection_check_interval": str(CLIENT_CHECK),
    }
