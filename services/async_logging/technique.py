"""Asynchronous logging: the facts."""

from services.contract import (
    ChoiceParameter,
    Constant,
    IntegerParameter,
    Sweep,
    Technique,
    Variant,
    Workload,
)

SINKS = ("file", "stdout", "fsync")

TECHNIQUE = Technique(
    name="async-logging",
    package="async_logging",
    title="Asynchronous logging",
    question="What does a request save when its log records are written by somebody else, later?",
    port=8107,
    variants=(
        Variant("naive", "Writes and flushes each record before it goes on."),
        Variant(
            "optimized", "Hands each record to a bounded queue; a thread writes them in batches."
        ),
        Variant(
            "queue", "The standard library's QueueHandler and QueueListener: a thread, no batches."
        ),
        Variant("aiologger", "aiologger as it comes: a task for each record."),
    ),
    parameters=(
        IntegerParameter(
            "records", "How many records the request logs.", default=10, minimum=0, maximum=100
        ),
        ChoiceParameter(
            "sink",
            "Where they go: a file, standard output, or a file with an fsync after each write.",
            default="file",
            choices=SINKS,
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
