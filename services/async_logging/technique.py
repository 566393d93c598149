"""Declares the technique: variants, parameters, workload and sweep."""

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
    question="What does a request save if a background thread writes its log records?",
    port=8107,
    variants=(
        Variant("naive", "Writes and flushes each record during the request."),
        Variant("optimized", "Puts each record into a bounded queue; a thread writes batches."),
        Variant(
            "queue",
            "The standard library's QueueHandler and QueueListener: a thread without batches.",
        ),
        Variant("aiologger", "The package aiologger: one task per record."),
    ),
    parameters=(
        IntegerParameter(
            "records", "Number of log records per request.", default=10, minimum=0, maximum=100
        ),
        ChoiceParameter(
            "sink",
            "Destination: a file, standard output, or a file with fsync after each write.",
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
        "From no log record per request to 100. A request without records saves nothing.",
    ),
)
