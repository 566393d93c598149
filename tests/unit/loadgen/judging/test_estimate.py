"""Ratios and intervals: against published tables, and by simulated experiments."""

import math
from collections.abc import Callable
from random import Random
from statistics import NormalDist

import pytest

from loadgen.judgement import Ratio, Verdict, verdict_from
from loadgen.judging.estimate import (
    ASSUMED_NOISE,
    MINIMUM_PAIRS,
    RECOMMENDED_PAIRS,
    speedup,
    student_quantile,
    unpaired,
)

Noise = Callable[[Random], float]


@pytest.mark.parametrize(
    ("freedom", "expected"),
    [
        (3, 3.1824),
        (4, 2.7764),
        (5, 2.5706),
        (6, 2.4469),
        (7, 2.3646),
        (8, 2.3060),
        (9, 2.2622),
        (10, 2.2281),
        (12, 2.1788),
        (15, 2.1314),
        (20, 2.0860),
        (30, 2.0423),
        (60, 2.0003),
        (120, 1.9799),
    ],
)
def test_students_quantile_agrees_with_the_published_tables(freedom: int, expected: float) -> None:
    # The tables have four decimals. The first term that the expansion omits is about 1 / freedom^5.
    tolerance = 0.00005 + freedom**-5
    assert student_quantile(freedom) == pytest.approx(expected, rel=0, abs=tolerance)


def test_students_quantile_keeps_every_term_of_the_expansion() -> None:
    """Abramowitz and Stegun 26.7.5, evaluated in exact rational numbers.

    The last term's coefficients are too small to show in a table, but they show in the digits of a
    judgement.
    """
    assert student_quantile(3) == pytest.approx(3.178616995054061, rel=1e-13)
    assert student_quantile(7.5) == pytest.approx(2.3330052500230396, rel=1e-13)


def test_students_quantile_approaches_the_normal_one() -> None:
    assert student_quantile(1e6) == pytest.approx(NormalDist().inv_cdf(0.975), rel=1e-5)


# The interval of one experiment


def test_a_speedup_is_the_geometric_mean_of_the_pairs() -> None:
    assert speedup([1.0, 1.0, 4.0, 4.0]).estimate == pytest.approx(2.0)
    assert speedup([0.5, 1.0, 1.0, 2.0]).estimate == pytest.approx(1.0)


def test_the_interval_is_students_of_the_logarithms() -> None:
    # By hand: mean ln 2, standard deviation 1, four pairs, a quantile of 3.1824.
    steps = [-1.0, 1.0, -math.sqrt(0.5), math.sqrt(0.5)]
    ratio = speedup([2.0 * math.exp(step) for step in steps])
    assert ratio.high / ratio.estimate == pytest.approx(math.exp(3.1824 / 2), rel=0.005)
    assert ratio.estimate / ratio.low == pytest.approx(ratio.high / ratio.estimate)


def test_two_pairs_that_agree_closely_do_not_make_the_interval_absurd() -> None:
    ratio = speedup([1.0, 1.000_01, 1.5, 2.0])
    assert 0.5 < ratio.low < ratio.estimate < ratio.high < 3


def test_swapping_the_arms_inverts_the_interval() -> None:
    ratios = [1.1, 1.3, 0.9, 1.2, 1.15]
    there, back = speedup(ratios), speedup([1 / ratio for ratio in ratios])
    assert back.estimate == pytest.approx(1 / there.estimate)
    assert (back.low, back.high) == pytest.approx((1 / there.high, 1 / there.low))


def test_equal_pairs_have_an_interval_of_zero_width() -> None:
    ratio = speedup([2.0] * MINIMUM_PAIRS)
    assert ratio.low == ratio.estimate == ratio.high == pytest.approx(2.0)


@pytest.mark.parametrize("pairs", [0, 1, 2, MINIMUM_PAIRS - 1])
def test_too_few_pairs_are_refused(pairs: int) -> None:
    with pytest.raises(ValueError, match=f"at least {MINIMUM_PAIRS} pairs"):
        speedup([2.0] * pairs)
    with pytest.raises(ValueError, match=f"at least {MINIMUM_PAIRS} blocks"):
        unpaired([2.0] * 9, [2.0] * pairs)


def test_four_pairs_are_enough() -> None:
    assert MINIMUM_PAIRS == 4
    assert speedup([2.0] * 4) == unpaired([2.0] * 4, [1.0] * 4)


def test_an_unpaired_ratio_is_that_of_the_geometric_means() -> None:
    assert unpaired([2.0, 8.0] * 2, [1.0, 4.0, 2.0, 2.0]).estimate == pytest.approx(2.0)
    same = unpaired([3.0] * 4, [1.5] * 4)
    assert same.low == same.high == pytest.approx(2.0)


def test_an_unpaired_interval_of_equal_samples_has_six_degrees_of_freedom() -> None:
    # By hand, for two samples of four with the same spread: a quantile of 2.4469.
    steps = [-1.0, 1.0, -math.sqrt(0.5), math.sqrt(0.5)]
    values = [math.exp(step) for step in steps]
    ratio = unpaired(values, values)
    assert math.log(ratio.high) == pytest.approx(2.4469 * math.sqrt(1 / 4 + 1 / 4), rel=0.002)


def test_an_unpaired_interval_of_unequal_samples_is_welchs() -> None:
    """Of four blocks with variance 1 and six with variance 4: the squared error is 1/4 + 4/6."""
    four = [math.exp(step) for step in (-1.0, 1.0, -math.sqrt(0.5), math.sqrt(0.5))]
    reach = math.sqrt(10 / 3)
    six = [math.exp(step) for step in (-reach, reach, -reach, reach, -reach, reach)]
    ratio = unpaired(four, six)
    freedom = (1 / 4 + 4 / 6) ** 2 / ((1 / 4) ** 2 / 3 + (4 / 6) ** 2 / 5)
    expected = student_quantile(freedom) * math.sqrt(1 / 4 + 4 / 6)
    assert math.log(ratio.high) == pytest.approx(expected, rel=1e-9)
    assert math.log(ratio.low) == pytest.approx(-expected, rel=1e-9)


# Simulated experiments


def ordinary(random: Random) -> float:
    return random.gauss(0, ASSUMED_NOISE)


def with_outliers(random: Random) -> float:
    """One block in ten is off by eight times as much, as with a busy neighbour."""
    return random.gauss(0, ASSUMED_NOISE * (8 if random.random() < 0.1 else 1))


def with_stalls(random: Random) -> float:
    """One block in ten is slower, sometimes by very much, and none is faster."""
    stall = random.expovariate(1 / (10 * ASSUMED_NOISE)) if random.random() < 0.1 else 0
    return random.gauss(0, ASSUMED_NOISE) + stall


def heavy_tailed(random: Random) -> float:
    """Student's t with two degrees of freedom, whose variance is infinite."""
    return ASSUMED_NOISE * random.gauss(0, 1) / math.sqrt(random.expovariate(1.0))


def in_two_modes(random: Random) -> float:
    """As on a processor that runs at one of two frequencies."""
    return random.gauss(0, ASSUMED_NOISE) + random.choice([0, 3 * ASSUMED_NOISE])


NOISES = [ordinary, with_outliers, with_stalls, heavy_tailed, in_two_modes]
PAIRS = [MINIMUM_PAIRS, 6, 8, RECOMMENDED_PAIRS, 16]


def measured(random: Random, ratio: float, noise: Noise, pairs: int) -> Ratio:
    """Both arms of a pair have the noise of a block; the true speed-up is `ratio`."""
    return speedup([ratio * math.exp(noise(random) - noise(random)) for _ in range(pairs)])


def misses(noise: Noise, pairs: int, experiments: int = 1_000) -> int:
    """In how many experiments with equal arms the interval does not contain 1."""
    random = Random(f"{noise.__name__} {pairs}")
    ratios = [measured(random, 1.0, noise, pairs) for _ in range(experiments)]
    return sum(not ratio.low <= 1 <= ratio.high for ratio in ratios)


def verdicts(ratio: float, noise: Noise, pairs: int, experiments: int = 1_000) -> list[Verdict]:
    """By the verdict rule, of experiments with a baseline, an arm and a control."""
    random = Random(f"{noise.__name__} {pairs}")
    return [_verdict(random, ratio, noise, pairs) for _ in range(experiments)]


def _verdict(random: Random, ratio: float, noise: Noise, pairs: int) -> Verdict:
    baseline = [noise(random) for _ in range(pairs)]
    arm = [ratio * math.exp(each - noise(random)) for each in baseline]
    control = [math.exp(each - noise(random)) for each in baseline]
    return verdict_from(speedup(arm), speedup(control))


@pytest.mark.parametrize("pairs", PAIRS)
@pytest.mark.parametrize("noise", NOISES)
def test_the_interval_of_equal_arms_misses_1_about_one_time_in_twenty(
    noise: Noise, pairs: int
) -> None:
    # Not much more often, but not never either: then the interval would be too wide.
    assert 5 <= misses(noise, pairs) <= 70


def test_with_ordinary_noise_the_interval_misses_as_often_as_promised() -> None:
    assert 160 <= misses(ordinary, 8, experiments=4_000) <= 240


def test_the_interval_contains_the_true_ratio_as_often_as_promised() -> None:
    random = Random("coverage")
    ratios = [measured(random, 1.1, ordinary, 8) for _ in range(1_000)]
    assert 930 <= sum(each.low <= 1.1 <= each.high for each in ratios) <= 970


@pytest.mark.parametrize("pairs", PAIRS)
@pytest.mark.parametrize("noise", NOISES)
def test_equal_arms_hardly_ever_get_another_verdict(noise: Noise, pairs: int) -> None:
    given = verdicts(1.0, noise, pairs, experiments=400)
    assert len(given) - given.count(Verdict.NO_DIFFERENCE_SHOWN) <= 2


@pytest.mark.parametrize("ratio", [1.1, 1 / 1.1])
def test_a_difference_of_a_tenth_is_found_with_the_recommended_pairs(ratio: float) -> None:
    given = verdicts(ratio, ordinary, RECOMMENDED_PAIRS)
    right = Verdict.FASTER if ratio > 1 else Verdict.SLOWER
    assert given.count(right) >= 900
    assert given.count(right) + given.count(Verdict.NO_DIFFERENCE_SHOWN) == 1_000


def test_the_unpaired_interval_of_equal_runs_misses_1_about_one_time_in_twenty() -> None:
    random = Random("unpaired")

    def blocks(count: int) -> list[float]:
        return [math.exp(ordinary(random)) for _ in range(count)]

    ratios = [unpaired(blocks(8), blocks(12)) for _ in range(1_000)]
    assert 30 <= sum(not each.low <= 1 <= each.high for each in ratios) <= 70
