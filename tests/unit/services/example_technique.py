"""A made-up technique, for tests of code that works with any technique."""

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
    question="Does it work with any technique?",
    port=9999,
    variants=(Variant("naive", "The simple way."), Variant("optimized", "The fast way.")),
    parameters=(
        IntegerParameter("count", "The number of items.", default=3, minimum=1, maximum=10),
        TokenParameter("cursor", "The first item.", maximum_length=8),
    ),
    needs=frozenset({Need.REDIS, Need.POSTGRES}),
    workload=Workload("Three of them.", {"count": Constant(3)}),
    sweep=Sweep("count", (1, 3, 10), "From one to ten."),
)
