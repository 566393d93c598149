"""A connection without a server, with the members that the pool's modules use."""


class OpenConnection:
    """`closed` has the values of psycopg2: 0 is open, 1 is closed by the client, 2 is broken."""

    def __init__(self) -> None:
        self.closed = 0
        self.closings = 0

    def close(self) -> None:
        self.closed = 1
        self.closings += 1
