"""Pagination: the facts."""

from services.contract import (
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
        TokenParameter(
            "cursor", "A cursor from a link of an earlier page; none for the first page."
        ),
        IntegerParameter("limit", "Rows in a page.", default=20, minimum=1, maximum=100),
        IntegerParameter(
            "rows",
            "Where the list ends: only so many of the newest posts belong to it.",
            default=ALL_ROWS,
            minimum=1,
            maximum=ALL_ROWS,
        ),
    ),
    needs=frozenset({Need.POSTGRES}),
    workload=Workload(
        "Pages of 20 at the far end of the list: the last page and the 31 before it.",
        {"cursor": Followed(first="last", then="prev", count=32), "limit": Constant(20)},
    ),
    sweep=Sweep(
        "rows",
        (20, 100, 1000, 10_000, 100_000),
        "The first page of lists from short to long. While the whole list is a page, reading it"
        " all is one statement, and seeking is one more than that.",
        {"cursor": Constant("")},
    ),
)
