"""Asynchronous logging: the facts."""

from services.contract import Constant, IntegerParameter, Sweep, Technique, Variant, Workload

TECHNIQUE = Technique(
    name="async-logging",
    package="async_logging",
    title="Asynchronous logging",
    question="What does a request save when its log records are written by somebody else, later?",
    port=8107,
    variants=(
        Variant("naive", "Writes and flushes each record to the file before it goes on."),
        Variant(
            "optimized", "Hands each record to a bounded queue; a task writes them in batches."
        ),
    ),
    parameters=(
        IntegerParameter(
            "records", "How many records the request logs.", default=10, minimum=0, maximum=100
        ),
    ),
    needs=frozenset(),
    workload=Workload(
        "Ten structured records a request, to a file on the local disk.",
        {"records": Constant(10)},
    ),
    sweep=Sweep(
        "records",
        (0, 1, 3, 10, 30, 100),
        "Requests that log nothing to much. Where there is nothing to write, nothing is saved.",
    ),
)
