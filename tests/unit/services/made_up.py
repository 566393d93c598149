"""A technique that does not exist, for tests of what every technique has."""

from services.contract import (
    Constant,
    IntegerParameter,
    Need,
    Sweep,
    Technique,
    TokenParameter,
    Variant,
    Workload,
)

MADE_UP = Technique(
    name="made-up",
    package="made_up",
    title="Made up",
    question="What is everything that is not there?",
    port=9999,
    variants=(Variant("naive", "As one writes it first."), Variant("optimized", "As one ends up.")),
    parameters=(
        IntegerParameter("count", "How many.", default=3, minimum=1, maximum=10),
        TokenParameter("cursor", "Where to begin.", maximum_length=8),
    ),
    needs=frozenset({Need.REDIS, Need.POSTGRES}),
    workload=Workload("Three of them.", {"count": Constant(3)}),
    sweep=Sweep("count", (1, 3, 10), "From one to ten."),
)
