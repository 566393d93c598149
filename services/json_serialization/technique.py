"""Declares the technique: variants, parameters, workload and sweep."""

from services.contract import Constant, IntegerParameter, Need, Sweep, Technique, Variant, Workload

MAXIMUM_ROWS = 10_000

TECHNIQUE = Technique(
    name="json-serialization",
    package="json_serialization",
    title="JSON serialization",
    question="How much of a large answer's time goes into turning rows into JSON?",
    port=8105,
    variants=(
        Variant("naive", "Encodes with json.dumps of the standard library."),
        Variant(
            "optimized",
            "Encodes with orjson: compiled code that writes bytes directly. Sends MessagePack if"
            " Accept prefers it.",
        ),
        Variant("msgspec", "Encodes with msgspec: compiled code that writes bytes directly."),
        Variant("ujson", "Encodes with ujson: compiled code that builds a str first."),
        Variant("rapidjson", "Encodes with rapidjson: compiled code that builds a str first."),
        Variant("fragments", "Encodes each row once, and joins encoded rows for each response."),
        Variant(
            "postgres",
            "Passes on JSON made by PostgreSQL. Unlike all other variants it reads the rows for"
            " each request.",
        ),
    ),
    parameters=(
        IntegerParameter(
            "rows",
            "Number of rows. A smaller data set yields fewer.",
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
        "A hundred rows for clients at a growing network latency. Encoding saves the same time per"
        " request at every distance, and a distant client does not notice it.",
        {"rows": Constant(100)},
    ),
)
