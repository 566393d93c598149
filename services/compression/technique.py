"""Compression: the facts."""

from services.contract import Constant, IntegerParameter, Need, Sweep, Technique, Variant, Workload

TECHNIQUE = Technique(
    name="compression",
    package="compression",
    title="Compression",
    question="When do the bytes that compression saves pay for the processor time it takes?",
    port=8106,
    variants=(
        Variant("naive", "Sends the body as it is, whatever the client accepts."),
        Variant(
            "optimized",
            "Sends the best Content-Encoding that the client accepts: zstd, br or gzip.",
        ),
    ),
    parameters=(
        IntegerParameter(
            "posts",
            "How many posts with their whole text; at most what the data set holds.",
            default=50,
            minimum=1,
            maximum=500,
        ),
    ),
    needs=frozenset({Need.POSTGRES}),
    workload=Workload(
        "Fifty posts with their whole text, asked for as a browser does, over loopback.",
        {"posts": Constant(50)},
        {"Accept-Encoding": "gzip, deflate, br, zstd"},
    ),
    sweep=Sweep(
        "link",
        (10, 30, 100, 300, 1000, 3000),
        "The same answer over links from slow to fast: where its bytes arrive sooner than they can"
        " be compressed, compression loses.",
    ),
)
