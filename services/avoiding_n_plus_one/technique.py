"""Declares the technique: variants, parameters, workload and sweep."""

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
            "One query for the posts, one per post for its comments, one per comment for its"
            " author.",
        ),
        Variant("optimized", "One query that returns each post once, followed by its comments."),
        Variant(
            "batch",
            "Row-by-row code over loaders, which combine its queries into one per relation.",
        ),
        Variant("join", "One outer join, which repeats each post for each of its comments."),
        Variant("json-aggregation", "One query in which the database builds the response body."),
    ),
    parameters=(
        IntegerParameter(
            "posts", "The maximum number of posts.", default=50, minimum=0, maximum=200
        ),
        IntegerParameter(
            "start", "The number of the first post.", default=1, minimum=1, maximum=1_000_000_000
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
        "Lists of growing length. For an empty list both variants send one query. Each post adds"
        " about six queries to naive and none to optimized.",
    ),
)
