"""Declares the technique: variants, parameters, workload and sweep."""

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
        Variant("naive", "Opens a connection for each request and closes it afterwards."),
        Variant("optimized", "Borrows an open connection from a pool and gives it back."),
        Variant(
            "asyncpg", "Uses another driver, asyncpg, with its own pool and prepared statements."
        ),
    ),
    parameters=(
        IntegerParameter(
            "id", "The number of the post.", default=1, minimum=1, maximum=1_000_000_000
        ),
        IntegerParameter(
            "milliseconds",
            "How many milliseconds PostgreSQL sleeps in the statement, which keeps its connection.",
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
        "Statements of growing duration, from three times as many clients as the pool has"
        " connections. The pool loses once waiting for a connection takes longer than opening one.",
        concurrency=24,
    ),
)
