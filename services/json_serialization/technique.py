"""JSON serialization: the facts."""

from services.contract import Constant, IntegerParameter, Need, Sweep, Technique, Variant, Workload

MAXIMUM_ROWS = 10_000

TECHNIQUE = Technique(
    name="json-serialization",
    package="json_serialization",
    title="JSON serialization",
    question="How much of a large answer's time goes into turning rows into JSON?",
    port=8105,
    variants=(
        Variant("naive", "json.dumps of the standard library."),
        Variant(
            "optimized",
            "orjson: the same document, encoded by compiled code straight to bytes; MessagePack by"
            " Accept.",
        ),
        Variant("msgspec", "msgspec: compiled code straight to bytes as well."),
        Variant("ujson", "ujson: compiled code that builds a str first."),
        Variant("rapidjson", "python-rapidjson: compiled code that builds a str first."),
        Variant("fragments", "Each row encoded once by orjson, and joined for each answer."),
        Variant(
            "postgres",
            "JSON made by PostgreSQL and passed on unread; reads the rows for each request, which"
            " no other variant does.",
        ),
    ),
    parameters=(
        IntegerParameter(
            "rows",
            "How many rows; at most what the data set holds.",
            default=1000,
            minimum=0,
            maximum=MAXIMUM_ROWS,
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
