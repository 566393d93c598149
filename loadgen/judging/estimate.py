"""Ratios with their 95 % intervals, from the ratios of pairs of blocks or from unpaired blocks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance

from loadgen.judgement import Ratio

#: The interval of three pairs is 1.5 times as wide as that of four, and excludes hardly any ratio.
MINIMUM_PAIRS = 4
#: With 20 pairs more than nine experiments of ten find a difference of a tenth. This assumes that
#: the median of a block is off by ASSUMED_NOISE (one standard deviation of its logarithm).
RECOMMENDED_PAIRS = 20
ASSUMED_NOISE = 0.05
_NORMAL_QUANTILE = NormalDist().inv_cdf(0.975)


def speedup(ratios: Sequence[float]) -> Ratio:
    """The geometric mean of the pairs' ratios, with Student's 95 % interval of their logarithms.

    Student's interval needs symmetric noise here, not normal noise. The arms of a pair run in
    random order, so between equal arms r is as likely as 1/r. With symmetric noise the interval
    errs towards claiming too little. In simulations with 4 to 16 pairs of equal arms, the interval
    excluded 1 in 2 to 6 of 100 experiments. More outliers lead to fewer.

    Rejected: the studentized bootstrap, which excluded 1 in up to 11 of 100 experiments if one
    block in ten is an outlier. Its intervals of four pairs were up to a hundred times too wide.
    Rejected: the percentile bootstrap (8 to 21 of 100).

    Sources: Efron, "Student's t-Test Under Symmetry Conditions", 1969; Benjamini, "Is the t Test
    Really Conservative When the Parent Distribution Is Long-Tailed?", 1983.

    Raises ValueError below MINIMUM_PAIRS.
    """
    if len(ratios) < MINIMUM_PAIRS:
        raise ValueError(f"an interval needs at least {MINIMUM_PAIRS} pairs of blocks")
    sample = _Sample.of(ratios)
    return _interval(sample.mean, sample.error**2, sample.freedom)


def unpaired(better: Sequence[float], worse: Sequence[float]) -> Ratio:
    """The ratio of two geometric means, with Welch's 95 % interval of the logarithms' difference.

    For blocks that did not run side by side (Welch, "The Generalization of 'Student's' Problem
    when Several Different Population Variances are Involved", 1947). Raises ValueError if either
    has fewer than MINIMUM_PAIRS values.
    """
    if min(len(better), len(worse)) < MINIMUM_PAIRS:
        raise ValueError(f"an interval needs at least {MINIMUM_PAIRS} blocks of each run")
    one, other = _Sample.of(better), _Sample.of(worse)
    squared_error = one.error**2 + other.error**2
    parts = one.error**4 / one.freedom + other.error**4 / other.freedom
    freedom = squared_error**2 / parts if parts else 1.0
    return _interval(one.mean - other.mean, squared_error, freedom)


@dataclass(frozen=True, slots=True)
class _Sample:
    """The mean of logarithms, its standard error and its degrees of freedom."""

    mean: float
    error: float
    freedom: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "_Sample":
        logarithms = [math.log(value) for value in values]
        error = math.sqrt(variance(logarithms) / len(logarithms))
        return cls(fmean(logarithms), error, len(logarithms) - 1)


def _interval(centre: float, squared_error: float, freedom: float) -> Ratio:
    reach = student_quantile(freedom) * math.sqrt(squared_error)
    return Ratio(math.exp(centre), math.exp(centre - reach), math.exp(centre + reach))


def student_quantile(freedom: float) -> float:
    """The 97.5 % quantile of Student's t.

    Accurate to 0.2 % from three degrees of freedom (Abramowitz and Stegun, "Handbook of
    Mathematical Functions", 26.7.5).
    """
    x = _NORMAL_QUANTILE
    terms = (
        x,
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return sum(term / freedom**power for power, term in enumerate(terms))
