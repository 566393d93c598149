"""From blocks to a verdict: quantiles, the speed-up with its interval, and what may be claimed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from statistics import fmean, stdev

RESAMPLES = 4000
#: With three, a variant would be found to differ from itself one time in five.
MINIMUM_PAIRS = 4
_LARGEST_LOGARITHM = math.log(1e6)
_CONFIDENCE = 0.95


class Verdict(StrEnum):
    """What a ratio with its interval allows to say of the optimized variant."""

    FASTER = "faster"
    SLOWER = "slower"
    NO_DIFFERENCE_SHOWN = "no difference shown"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Speedup:
    """Naive time over optimized time: above 1 the optimized variant is faster."""

    estimate: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        if self.low > 1:
            return Verdict.FASTER
        if self.high < 1:
            return Verdict.SLOWER
        return Verdict.NO_DIFFERENCE_SHOWN


def quantile(ordered: Sequence[float], share: float) -> float:
    """Linear between the two nearest ranks. Raises ValueError when there is no value."""
    if not ordered:
        raise ValueError("no values")
    rank = share * (len(ordered) - 1)
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def speedup(ratios: Sequence[float], random: Random) -> Speedup:
    """The geometric mean of the pairs' ratios, with a 95 % interval bootstrapped over the pairs.

    The bootstrap is studentized (Efron and Tibshirani, "An Introduction to the Bootstrap", section
    12.5), on logarithms: the plain percentile one is too narrow for a handful of pairs and would
    find differences between a variant and itself. Raises ValueError below MINIMUM_PAIRS.
    """
    if len(ratios) < MINIMUM_PAIRS:
        raise ValueError(f"an interval needs at least {MINIMUM_PAIRS} pairs of blocks")
    logarithms = [math.log(ratio) for ratio in ratios]
    centre = fmean(logarithms)
    error = _standard_error(logarithms)
    low, high = _studentized(logarithms, centre, random)
    return Speedup(_ratio(centre), _ratio(centre - high * error), _ratio(centre - low * error))


def _ratio(logarithm: float) -> float:
    """Bounded: a few pairs of which two agree to the last digit say nothing about the rest."""
    return math.exp(max(-_LARGEST_LOGARITHM, min(logarithm, _LARGEST_LOGARITHM)))


def _studentized(logarithms: Sequence[float], centre: float, random: Random) -> tuple[float, float]:
    """The outer quantiles of the resampled means' distance from the centre, in standard errors."""
    distances = []
    for _ in range(RESAMPLES):
        sample = random.choices(logarithms, k=len(logarithms))
        error = _standard_error(sample)
        if error > 0:  # a resample of one value repeated has none, and says nothing
            distances.append((fmean(sample) - centre) / error)
    distances.sort()
    tail = (1 - _CONFIDENCE) / 2
    return (quantile(distances, tail), quantile(distances, 1 - tail)) if distances else (0.0, 0.0)


def _standard_error(values: Sequence[float]) -> float:
    return stdev(values) / math.sqrt(len(values))
