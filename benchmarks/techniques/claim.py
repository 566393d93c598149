"""A promise of speed, what was measured of it, and how two things are timed against each other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Literal

Timed = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Claim:
    """`bound` is in the same unit as what was measured; `evidence` says how it was."""

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
        found = f"{self.measured:.3g} {self.unit}, {self.side} {self.bound:g}"
        return f"{verdict}  {self.promise}: {found} ({self.evidence})"


async def seconds_of(timed: Timed) -> float:
    started = perf_counter()
    await timed()
    return perf_counter() - started


async def ratio_of(first: Timed, second: Timed, pairs: int) -> float:
    """How many times as long the first takes: the median over pairs, run in alternating order.

    A machine's mood changes from second to second; within a pair it hardly does.
    """
    ratios = []
    for pair in range(pairs):
        order = (first, second) if pair % 2 else (second, first)
        seconds = {timed: await seconds_of(timed) for timed in order}
        ratios.append(seconds[first] / seconds[second])
    return median(ratios)
