"""From a value to a place in a picture, on a logarithmic axis, and which values get a label."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Axis:
    """Logarithmic from `low` at pixel `start` to `high` at pixel `end`.

    `shift` is added to every value first, so that a swept parameter may begin at zero.
    """

    low: float
    high: float
    start: float
    end: float
    shift: float = 0.0

    def place(self, value: float) -> float:
        """The pixel of a value; one beyond an end lies on that end."""
        inside = min(max(value, self.low), self.high)
        share = math.log((inside + self.shift) / (self.low + self.shift)) / self._width
        return self.start + share * (self.end - self.start)

    @property
    def _width(self) -> float:
        return math.log((self.high + self.shift) / (self.low + self.shift))

    def ticks(self, gap: float) -> list[float]:
        """As many round values as fit with that many pixels between two neighbours."""
        for candidates in _round_values(self.low, self.high):
            if len(candidates) > 1 and self._far_apart(candidates, gap):
                return candidates
        return [self.low, self.high]

    def labelled(self, values: Sequence[float], gap: float) -> list[float]:
        """Those of the values that fit so, in their order, the first of them always."""
        kept: list[float] = []
        for value in values:
            if not kept or abs(self.place(value) - self.place(kept[-1])) >= gap:
                kept.append(value)
        return kept

    def _far_apart(self, values: Sequence[float], gap: float) -> bool:
        places = [self.place(value) for value in values]
        return all(abs(after - before) >= gap for before, after in pairwise(places))


def spanning(values: Sequence[float], start: float, end: float, margin: float = 1.15) -> Axis:
    """An axis on which all values lie, `margin` (a factor) away from its ends."""
    return Axis(min(values) / margin, max(values) * margin, start, end)


def spanning_from_zero(values: Sequence[float], start: float, end: float) -> Axis:
    """An axis from the smallest to the largest, also where a logarithm has no value."""
    low, high = min(values), max(values)
    if low == high:
        return spanning([low], start, end, 2.0) if low > 0 else Axis(low, low + 1, start, end, 1.0)
    if low > 0:
        return Axis(low, high, start, end)
    step = min(value - low for value in values if value > low)
    return Axis(low, high, start, end, step - low)


def _round_values(low: float, high: float) -> Iterator[list[float]]:
    """Sets of round values in the range, the densest first."""
    yield from _even_steps(low, high)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        yield _per_decade(low, high, digits, 1)
    for every in (2, 3, 4, 6):
        yield _per_decade(low, high, (1,), every)


def _even_steps(low: float, high: float) -> Iterator[list[float]]:
    """For a range of less than a decade, where 1, 2, 5 are too few."""
    if high / low > 8:
        return
    finest = math.floor(math.log10(high - low)) - 1
    for exponent in (finest, finest + 1):
        for digit in (1, 2, 5):
            step = digit * 10.0**exponent
            first, last = math.ceil(low / step), math.floor(high / step)
            values = [round(index * step, 9) for index in range(first, last + 1)]
            # A division's last bit may have put the first or the last one outside.
            yield [value for value in values if low <= value <= high]


def _per_decade(low: float, high: float, digits: Sequence[int], every: int) -> list[float]:
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [
        float(f"{digit}e{exponent}")
        for exponent in exponents
        if exponent % every == 0
        for digit in digits
    ]
    return [value for value in values if low <= value <= high]
