"""Connection pooling: the facts."""

from services.contract import (
    IntegerParameter,
    Need,
    Sweep,
    Technique,
    Uniform,
    Variant,
    Workload,
)

TECHNIQUE = Technique(
    name="connection-pooling",
    package="connection_pooling",
    title="Connection pooling",
    question="What does it cost to open a database connection for each request?",
    port=8102,
    variants=(
        Variant("naive", "Opens one connection for the request and closes it afterwards."),
        Variant("optimized", "Borrows a connection that is already open and gives it back."),
        Variant("asyncpg", "Borrows from asyncpg's own pool: another driver, prepared statements."),
    ),
    parameters=(
        IntegerParameter("id", "The post's number.", default=1, minimum=1, maximum=1_000_000_000),
        IntegerParameter(
            "milliseconds",
            "How long the statement keeps its connection: the server sleeps before it answers.",
            default=0,
            minimum=0,
            maximum=1000,
        ),
    ),
    needs=frozenset({Need.POSTGRES}),
    workload=Workload(
        "One post by its primary key, any of the first 1,000.",
        {"id": Uniform(1, 1000)},
    ),
    sweep=Sweep(
        "milliseconds",
        (1, 3, 10, 30, 100, 200),
        "Statements that take longer and longer, from three times as many clients as the pool has"
        " connections: once waiting for a free one takes longer than opening one, the pool loses.",
        concurrency=24,
    ),
)
