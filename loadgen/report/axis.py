"""A logarithmic axis: where a value lies in a plot, and which values get a label.

The plots that use an axis are `forest_plot`, `density_plot` and `sweep_plot`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis from the value `low` at pixel `start` to the value `high` at pixel `end`.

    The axis adds `shift` to each value before it takes the logarithm. A shift above zero allows
    an axis that begins at zero.
    """

    low: float
    high: float
    start: float
    end: float
    shift: float = 0.0

    def pixel(self, value: float) -> float:
        """Returns the position of a value. A value outside the axis gets the nearest end."""
        inside = min(max(value, self.low), self.high)
        share = self._logarithm(inside) / self._logarithm(self.high)
        return self.start + share * (self.end - self.start)

    def _logarithm(self, value: float) -> float:
        """Logarithm of the factor between the axis' low end and the value."""
        return math.log((value + self.shift) / (self.low + self.shift))

    def round_values(self, gap: float) -> list[float]:
        """Returns the densest series of round values at least `gap` pixels apart.

        Returns the two ends of the axis if no series of two or more values fits.
        """
        for series in _series_of_round_values(self.low, self.high):
            if len(series) > 1 and self._smallest_distance(series) >= gap:
                return series
        return [self.low, self.high]

    def _smallest_distance(self, values: Sequence[float]) -> float:
        pixels = [self.pixel(value) for value in values]
        return min(abs(after - before) for before, after in pairwise(pixels))

    def thinned(self, values: Sequence[float], gap: float) -> list[float]:
        """Drops each value less than `gap` pixels from the one kept before it.

        Keeps the order, and always keeps the first value.
        """
        kept: list[float] = []
        for value in values:
            if not kept or abs(self.pixel(value) - self.pixel(kept[-1])) >= gap:
                kept.append(value)
        return kept


def axis_with_margin(
    values: Sequence[float], start: float, end: float, margin: float = 1.15
) -> Axis:
    """Returns an axis whose ends lie the factor `margin` beyond the smallest and largest value."""
    return Axis(min(values) / margin, max(values) * margin, start, end)


def parameter_axis(values: Sequence[float], start: float, end: float) -> Axis:
    """Returns an axis from the smallest to the largest value of a swept parameter.

    Unlike measured figures, the values of a parameter may be zero or negative.
    """
    low, high = min(values), max(values)
    if low == high:
        return _axis_around(low, start, end)
    if low > 0:
        return Axis(low, high, start, end)
    smallest_step = min(value - low for value in values if value > low)
    return Axis(low, high, start, end, shift=smallest_step - low)


def _axis_around(value: float, start: float, end: float) -> Axis:
    if value > 0:
        return axis_with_margin([value], start, end, 2.0)
    return Axis(value, value + 1, start, end, shift=1.0 - value)


def _series_of_round_values(low: float, high: float) -> Iterator[list[float]]:
    """Yields series of round values between `low` and `high`, the densest first."""
    # In less than a decade, the series 1, 2, 5 has too few values.
    if high / low <= 8:
        yield from _evenly_stepped(low, high)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        yield _per_decade(low, high, digits, 1)
    for every in (2, 3, 4, 6):
        yield _per_decade(low, high, (1,), every)


def _evenly_stepped(low: float, high: float) -> Iterator[list[float]]:
    """Yields multiples of 1, 2 and 5 times a power of ten, from about 100 steps down to one."""
    finest = math.floor(math.log10(high - low)) - 1
    for exponent in (finest, finest + 1):
        for digit in (1, 2, 5):
            step = digit * 10.0**exponent
            first, last = math.ceil(low / step), math.floor(high / step)
            values = [round(index * step, 9) for index in range(first, last + 1)]
            # Rounding errors can put the first or the last value outside.
            yield [value for value in values if low <= value <= high]


def _per_decade(low: float, high: float, digits: Sequence[int], every: int) -> list[float]:
    """Returns the digits times the powers of ten whose exponent is a multiple of `every`."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [
        float(f"{digit}e{exponent}")
        for exponent in exponents
        if exponent % every == 0
        for digit in digits
    ]
    return [value for value in values if low <= value <= high]
