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
            "Sends the best Content-Encoding that the client accepts: zstd, br, gzip or deflate.",
        ),
        Variant("zstd", "Sends zstd, or the body as it is where the client does not accept that."),
        Variant("br", "Sends br, or the body as it is where the client does not accept that."),
        Variant("gzip", "Sends gzip, or the body as it is where the client does not accept that."),
        Variant("streamed", "Sends the same piece by piece, each compressed and flushed at once."),
    ),
    parameters=(
        IntegerParameter(
            "posts",
            "How many posts with their whole text; at most what the data set holds.",
            default=50,
            minimum=1,
            maximum=500,
        ),
        IntegerParameter(
            "level",
            "Level of compression, of whichever coding is sent; 0 is its own for the body's size.",
            default=0,
            minimum=0,
            maximum=9,
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
