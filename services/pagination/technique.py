"""Pagination: the facts."""

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

#: More than any list has: the list ends where the table does.
ALL_ROWS = 1_000_000_000

EXACT, ESTIMATED, NONE = TOTALS = ("exact", "estimated", "none")

CURSOR = TokenParameter(
    "cursor",
    "A cursor from a link of the same list; none for the first page.",
    maximum_length=640,  # a key of 64 characters, each of them escaped, leaves room to spare
)

TECHNIQUE = Technique(
    name="pagination",
    package="pagination",
    title="Pagination",
    question="What does a page deep in a list cost when the rows before it are read, or not?",
    port=8104,
    variants=(
        Variant("naive", "Fetches every row and slices the page out in the application."),
        Variant(
            "optimized",
            "Keyset: seeks to the cursor's row in the index and reads one page from there.",
        ),
        Variant(
            "offset",
            "LIMIT and OFFSET: the database reads the rows before the page and drops them.",
        ),
    ),
    parameters=(
        CURSOR,
        IntegerParameter("limit", "Rows in a page.", default=20, minimum=1, maximum=100),
        ChoiceParameter(
            "order",
            "How the list is sorted.",
            default="newest",
            choices=("newest", "oldest", "title"),
        ),
        IntegerParameter(
            "author",
            "Only the posts of the author with this id; 0 for everybody's.",
            default=0,
            minimum=0,
            maximum=1_000_000_000,
        ),
        ChoiceParameter(
            "total",
            "How many posts the list has: counted, guessed by the planner, or not said. Only with"
            " `exact` there is a link to the last page.",
            default=NONE,
            choices=TOTALS,
        ),
        IntegerParameter(
            "rows",
            "Where the list ends: only so many of its first posts belong to it.",
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
        "The first page of lists from short to long, with their exact total. While the whole list"
        " is a page, reading it all is one statement, and seeking and counting are two.",
        {"cursor": Constant(""), "total": Constant(EXACT)},
    ),
)
