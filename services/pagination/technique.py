"""Declares the technique: variants, parameters, workload and sweep."""

from services.contract import (
    ChoiceParameter,
    Constant,
    Followed,
    IntegerParameter,
    Need,
    Sweep,
    Technique,
    TokenParameter,
    Variant,
    Workload,
)

#: Default of the parameter `rows`: larger than any table, so the list ends with the table.
ALL_ROWS = 1_000_000_000

EXACT, ESTIMATED, NONE = TOTALS = ("exact", "estimated", "none")

CURSOR = TokenParameter(
    "cursor",
    "A cursor from a link of the same list; empty for the first page.",
    maximum_length=640,  # longer than the token of a key of 64 escaped characters
)

TECHNIQUE = Technique(
    name="pagination",
    package="pagination",
    title="Pagination",
    question="What does a page deep in a list cost, with and without reading the rows before it?",
    port=8104,
    variants=(
        Variant("naive", "Fetches every row and slices the page out in the application."),
        Variant(
            "optimized",
            "Keyset: seeks to the cursor's row in the index and reads one page from there.",
        ),
        Variant(
            "offset",
            "LIMIT and OFFSET: PostgreSQL reads the rows before the page and drops them.",
        ),
    ),
    parameters=(
        CURSOR,
        IntegerParameter(
            "limit", "Maximum number of rows in a page.", default=20, minimum=1, maximum=100
        ),
        ChoiceParameter(
            "order",
            "Sort order of the list.",
            default="newest",
            choices=("newest", "oldest", "title"),
        ),
        IntegerParameter(
            "author",
            "Only the posts of the author with this id; 0 for the posts of all authors.",
            default=0,
            minimum=0,
            maximum=1_000_000_000,
        ),
        ChoiceParameter(
            "total",
            "Number of posts in the list: exact, estimated by the query planner, or none. Only"
            " `exact` gives a link to the last page.",
            default=NONE,
            choices=TOTALS,
        ),
        IntegerParameter(
            "rows",
            "Maximum length of the list: it ends after this many posts.",
            default=ALL_ROWS,
            minimum=1,
            maximum=ALL_ROWS,
        ),
    ),
    needs=frozenset({Need.POSTGRES}),
    workload=Workload(
        "Pages of 20 at the far end of the list: the last page and the 31 before it, no total.",
        {
            "cursor": Followed(first="last", then="prev", count=32, query={"total": EXACT}),
            "limit": Constant(20),
        },
    ),
    sweep=Sweep(
        "rows",
        (20, 100, 1000, 10_000, 100_000),
        "The first page of short and long lists, with the exact total. If one page holds the whole"
        " list, naive needs one statement; keyset needs two: one seeks and one counts.",
        {"cursor": Constant(""), "total": Constant(EXACT)},
    ),
)
