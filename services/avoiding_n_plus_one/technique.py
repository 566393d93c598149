"""Avoiding N+1 queries: the facts."""

from services.contract import (
    Constant,
    IntegerParameter,
    Need,
    Sweep,
    Technique,
    Uniform,
    Variant,
    Workload,
)

TECHNIQUE = Technique(
    name="n-plus-one",
    package="avoiding_n_plus_one",
    title="Avoiding N+1 queries",
    question="What does a query per row cost, against a constant number of queries for the list?",
    port=8103,
    variants=(
        Variant(
            "naive",
            "One query for the posts, one per post for its comments, one per comment author.",
        ),
        Variant(
            "optimized",
            "One query in which no row comes twice: each post, and after it its comments.",
        ),
        Variant(
            "batch",
            "Asks row by row, of loaders that gather what is asked for into a query per relation.",
        ),
        Variant("join", "One outer join: each post repeated for each of its comments."),
        Variant(
            "json-aggregation", "One query whose one value is the answer: the database nests it."
        ),
    ),
    parameters=(
        IntegerParameter("posts", "How many posts.", default=50, minimum=0, maximum=200),
        IntegerParameter(
            "start", "The first post's number.", default=1, minimum=1, maximum=1_000_000_000
        ),
    ),
    needs=frozenset({Need.POSTGRES}),
    workload=Workload(
        "Fifty posts with all their comments, from anywhere among the first 950.",
        {"posts": Constant(50), "start": Uniform(1, 900)},
    ),
    sweep=Sweep(
        "posts",
        (0, 1, 3, 10, 30, 100),
        "Lists from empty to long. For an empty one both ask a single query, and nothing is saved;"
        " each post adds about six to naive's, and none to the other's.",
    ),
)
