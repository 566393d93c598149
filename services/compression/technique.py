"""Declares the technique: variants, parameters, workload and sweep."""

from services.contract import Constant, IntegerParameter, Need, Sweep, Technique, Variant, Workload

TECHNIQUE = Technique(
    name="compression",
    package="compression",
    title="Compression",
    question="When do the bytes that compression saves pay for the processor time it takes?",
    port=8106,
    variants=(
        Variant("naive", "Sends the body unencoded, for every Accept-Encoding."),
        Variant(
            "optimized",
            "Sends the best Content-Encoding that the client accepts: zstd, br, gzip or deflate.",
        ),
        Variant("zstd", "Sends zstd, or the unencoded body if the client does not accept zstd."),
        Variant("br", "Sends br, or the unencoded body if the client does not accept br."),
        Variant("gzip", "Sends gzip, or the unencoded body if the client does not accept gzip."),
        Variant(
            "streamed",
            "Sends the same body in pieces, each compressed and flushed at once.",
        ),
    ),
    parameters=(
        IntegerParameter(
            "posts",
            "Number of posts with their whole text. A smaller data set yields fewer.",
            default=50,
            minimum=1,
            maximum=500,
        ),
        IntegerParameter(
            "level",
            "Compression level of the coding that is sent; 0 is its default for the body's size.",
            default=0,
            minimum=0,
            maximum=9,
        ),
    ),
    needs=frozenset({Need.POSTGRES}),
    workload=Workload(
        "Fifty posts with their whole text, with the Accept-Encoding of a browser, over loopback.",
        {"posts": Constant(50)},
        {"Accept-Encoding": "gzip, deflate, br, zstd"},
    ),
    sweep=Sweep(
        "link",
        (10, 30, 100, 300, 1000, 3000),
        "The same response over links from slow to fast. Compression loses where the bytes arrive"
        " sooner than they can be compressed.",
    ),
)
