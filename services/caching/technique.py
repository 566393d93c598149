"""Caching: the facts."""

from services.contract import IntegerParameter, Need, Sweep, Technique, Variant, Workload, Zipf

TECHNIQUE = Technique(
    name="caching",
    package="caching",
    title="Caching",
    question="What does a cache save when a page is read far more often than it changes?",
    port=8101,
    variants=(
        Variant("naive", "Reads the post, its author, tags and comment count from PostgreSQL."),
        Variant("optimized", "Reads the ready answer from Redis, and PostgreSQL only on a miss."),
        Variant("two-tier", "Keeps copies in the process's own memory, too, at most a second old."),
        Variant("conditional", "As optimized; a client that has the page already gets a 304."),
    ),
    parameters=(
        IntegerParameter("id", "The post's number.", default=1, minimum=1, maximum=1_000_000_000),
        IntegerParameter(
            "changed",
            "Percent of the requests that find their page just changed, so that no copy is valid.",
            default=0,
            minimum=0,
            maximum=100,
        ),
    ),
    needs=frozenset({Need.POSTGRES, Need.REDIS}),
    workload=Workload(
        "Post pages, the k-th most popular of 1,000 asked for with a weight of 1/k.",
        {"id": Zipf(population=1000, exponent=1.0)},
    ),
    sweep=Sweep(
        "changed",
        (0, 10, 25, 50, 75, 100),
        "The same pages, read once for each change at the right end: there every look-up misses,"
        " and what a miss costs comes on top of the queries.",
    ),
)
