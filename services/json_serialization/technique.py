"""JSON serialization: the facts."""

from services.contract import Constant, IntegerParameter, Need, Sweep, Technique, Variant, Workload

TECHNIQUE = Technique(
    name="json-serialization",
    package="json_serialization",
    title="JSON serialization",
    question="How much of a large answer's time goes into turning rows into JSON?",
    port=8105,
    variants=(
        Variant("naive", "json.dumps of the standard library."),
        Variant(
            "optimized", "orjson: the same document, encoded by compiled code straight to bytes."
        ),
    ),
    parameters=(
        IntegerParameter(
            "rows",
            "How many rows; at most what the data set holds.",
            default=1000,
            minimum=0,
            maximum=10_000,
        ),
    ),
    needs=frozenset({Need.POSTGRES}),
    workload=Workload("1,000 nested rows, the same rows each time.", {"rows": Constant(1000)}),
    sweep=Sweep(
        "latency",
        (0, 1, 3, 10, 30, 100, 300),
        "A hundred rows for clients from near to far: what is saved is saved once a request, and"
        " far away nobody notices.",
        {"rows": Constant(100)},
    ),
)
