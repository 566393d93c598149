"""Claims about speed, and timing two functions against each other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Literal

Timed = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Claim:
    """A promise and its measurement; `evidence` describes how. `bound` has the same unit."""

    promise: str
    measured: float
    side: Literal["at least", "at most"]
    bound: float
    unit: str
    evidence: str

    @property
    def holds(self) -> bool:
        if self.side == "at least":
            return self.measured >= self.bound
        return self.measured <= self.bound

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "FAILS"
        comparison = f"{self.measured:.3g} {self.unit}, {self.side} {self.bound:g}"
        return f"{verdict}  {self.promise}: {comparison} ({self.evidence})"


async def seconds_of(timed: Timed) -> float:
    """The duration of one call in seconds."""
    started = perf_counter()
    await timed()
    return perf_counter() - started


async def ratio_of(first: Timed, second: Timed, pairs: int) -> float:
    """The median over pairs of the first function's duration divided by the second's.

    The order alternates. The speed of a machine changes from second to second, but hardly within
    one pair.
    """
    ratios = []
    for pair in range(pairs):
        order = (first, second) if pair % 2 else (second, first)
        seconds = {timed: await seconds_of(timed) for timed in order}
        ratios.append(seconds[first] / seconds[second])
    return median(ratios)
