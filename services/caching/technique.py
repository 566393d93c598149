"""Declares the technique: variants, parameters, workload and sweep."""

from services.contract import IntegerParameter, Need, Sweep, Technique, Variant, Workload, Zipf

TECHNIQUE = Technique(
    name="caching",
    package="caching",
    title="Caching",
    question="What does a cache save when a page is read far more often than it changes?",
    port=8101,
    variants=(
        Variant("naive", "Reads the post, its author, tags and comment count from PostgreSQL."),
        Variant(
            "optimized", "Reads the finished page from Redis, and from PostgreSQL only on a miss."
        ),
        Variant("two-tier", "Keeps pages in the process's memory too, for at most a second."),
        Variant("conditional", "As optimized, and 304 for a client that already has the page."),
    ),
    parameters=(
        IntegerParameter("id", "The post's number.", default=1, minimum=1, maximum=1_000_000_000),
        IntegerParameter(
            "changed",
            "Percentage of requests whose page has just changed, so that no cache entry is valid.",
            default=0,
            minimum=0,
            maximum=100,
        ),
    ),
    needs=frozenset({Need.POSTGRES, Need.REDIS}),
    workload=Workload(
        "Post pages; the k-th most popular of 1,000 is requested with a weight of 1/k.",
        {"id": Zipf(population=1000, exponent=1.0)},
    ),
    sweep=Sweep(
        "changed",
        (0, 10, 25, 50, 75, 100),
        "The same pages, changed before a growing percentage of the requests. At 100 every lookup"
        " misses, and the cost of a miss comes on top of the queries.",
    ),
)
