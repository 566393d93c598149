"""Quantiles, and intervals that hold what they promise: shown by simulated experiments."""

import math
from collections.abc import Callable
from random import Random
from statistics import NormalDist, quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.judging.estimate import (
    ASSUMED_NOISE,
    MINIMUM_PAIRS,
    RECOMMENDED_PAIRS,
    Speedup,
    Verdict,
    quantile,
    speedup,
    student_quantile,
    unpaired,
)

Noise = Callable[[Random], float]


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([5.0], 0.99, 5.0),
        ([1.0, 2.0], 0.5, 1.5),
        ([1.0, 2.0, 3.0], 0.5, 2.0),
        ([1.0, 2.0, 3.0], 0.0, 1.0),
        ([1.0, 2.0, 3.0], 1.0, 3.0),
        ([0.0, 10.0], 0.25, 2.5),
    ],
)
def test_a_quantile_lies_between_the_two_nearest_ranks(
    values: list[float], share: float, expected: float
) -> None:
    assert quantile(values, share) == expected


@given(st.lists(st.floats(0.001, 1000), min_size=2, max_size=50))
def test_quantiles_are_those_of_the_standard_library(values: list[float]) -> None:
    ordered = sorted(values)
    ours = [quantile(ordered, percent / 100) for percent in range(1, 100)]
    assert ours == pytest.approx(quantiles(ordered, n=100, method="inclusive"))


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


@pytest.mark.parametrize(
    ("freedom", "expected"),
    [(3, 3.1824), (4, 2.7764), (7, 2.3646), (9, 2.2622), (15, 2.1314), (30, 2.0423)],
)
def test_students_quantile_is_that_of_the_tables(freedom: int, expected: float) -> None:
    assert student_quantile(freedom) == pytest.approx(expected, rel=0.002)


def test_students_quantile_becomes_the_normal_one() -> None:
    assert student_quantile(1e6) == pytest.approx(NormalDist().inv_cdf(0.975), rel=1e-5)


# The interval of one experiment


def test_the_speed_up_is_the_geometric_mean_of_the_pairs() -> None:
    assert speedup([1.0, 1.0, 4.0, 4.0]).estimate == pytest.approx(2.0)
    assert speedup([0.5, 1.0, 1.0, 2.0]).estimate == pytest.approx(1.0)


def test_the_interval_is_students_of_the_logarithms() -> None:
    # By hand: mean ln 2, standard deviation 1, four pairs, a quantile of 3.1824.
    steps = [-1.0, 1.0, -math.sqrt(0.5), math.sqrt(0.5)]
    found = speedup([2.0 * math.exp(step) for step in steps])
    assert found.high / found.estimate == pytest.approx(math.exp(3.1824 / 2), rel=0.005)
    assert found.estimate / found.low == pytest.approx(found.high / found.estimate)


def test_pairs_of_which_two_agree_very_well_have_no_absurd_interval() -> None:
    found = speedup([1.0, 1.000_01, 1.5, 2.0])
    assert 0.5 < found.low < found.estimate < found.high < 3


def test_swapping_the_arms_turns_the_interval_over() -> None:
    ratios = [1.1, 1.3, 0.9, 1.2, 1.15]
    there, back = speedup(ratios), speedup([1 / ratio for ratio in ratios])
    assert back.estimate == pytest.approx(1 / there.estimate)
    assert (back.low, back.high) == pytest.approx((1 / there.high, 1 / there.low))


def test_pairs_that_agree_to_the_last_digit_have_an_interval_of_no_width() -> None:
    found = speedup([2.0] * MINIMUM_PAIRS)
    assert found.low == found.estimate == found.high == pytest.approx(2.0)


@pytest.mark.parametrize("pairs", [0, 1, 2, MINIMUM_PAIRS - 1])
def test_too_few_pairs_have_no_interval(pairs: int) -> None:
    with pytest.raises(ValueError, match=f"at least {MINIMUM_PAIRS} pairs"):
        speedup([2.0] * pairs)
    with pytest.raises(ValueError, match=f"at least {MINIMUM_PAIRS} blocks"):
        unpaired([2.0] * 9, [2.0] * pairs)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.01, 1.2, Verdict.FASTER),
        (0.8, 0.99, Verdict.SLOWER),
        (0.99, 1.2, Verdict.NO_DIFFERENCE_SHOWN),
        (1.0, 1.2, Verdict.NO_DIFFERENCE_SHOWN),
        (0.8, 1.0, Verdict.NO_DIFFERENCE_SHOWN),
    ],
)
def test_only_an_interval_beside_one_shows_a_difference(
    low: float, high: float, verdict: Verdict
) -> None:
    assert Speedup((low + high) / 2, low, high).verdict is verdict


def test_an_unpaired_ratio_is_that_of_the_geometric_means() -> None:
    assert unpaired([2.0, 8.0] * 2, [1.0, 4.0, 2.0, 2.0]).estimate == pytest.approx(2.0)
    same = unpaired([3.0] * 4, [1.5] * 4)
    assert same.low == same.high == pytest.approx(2.0)


def test_an_unpaired_interval_is_welchs() -> None:
    # Of two samples with the same spread and size, by hand: 6 degrees of freedom, 2.4469.
    steps = [-1.0, 1.0, -math.sqrt(0.5), math.sqrt(0.5)]
    values = [math.exp(step) for step in steps]
    found = unpaired(values, values)
    assert math.log(found.high) == pytest.approx(2.4469 * math.sqrt(1 / 4 + 1 / 4), rel=0.002)


# Many simulated experiments


def ordinary(random: Random) -> float:
    return random.gauss(0, ASSUMED_NOISE)


def with_outliers(random: Random) -> float:
    """Every tenth block is off by eight times as much: a neighbour was busy."""
    return random.gauss(0, ASSUMED_NOISE * (8 if random.random() < 0.1 else 1))


def with_stalls(random: Random) -> float:
    """Every tenth block is slower, never faster, and at times by very much."""
    stall = random.expovariate(1 / (10 * ASSUMED_NOISE)) if random.random() < 0.1 else 0
    return random.gauss(0, ASSUMED_NOISE) + stall


def heavy_tailed(random: Random) -> float:
    """Student's t with two degrees of freedom, whose variance is infinite."""
    return ASSUMED_NOISE * random.gauss(0, 1) / math.sqrt(random.expovariate(1.0))


def in_two_modes(random: Random) -> float:
    """As of a processor that runs at one of two frequencies."""
    return random.gauss(0, ASSUMED_NOISE) + random.choice([0, 3 * ASSUMED_NOISE])


def experiment(random: Random, ratio: float, noise: Noise, pairs: int) -> Speedup:
    """Both arms of a pair have the noise of a block; the true speed-up is `ratio`."""
    return speedup([ratio * math.exp(noise(random) - noise(random)) for _ in range(pairs)])


def claims(ratio: float, noise: Noise, pairs: int, experiments: int = 1_000) -> list[Verdict]:
    random = Random(f"{noise.__name__} {pairs}")
    return [experiment(random, ratio, noise, pairs).verdict for _ in range(experiments)]


@pytest.mark.parametrize("pairs", [MINIMUM_PAIRS, 6, 8, RECOMMENDED_PAIRS, 16])
@pytest.mark.parametrize(
    "noise", [ordinary, with_outliers, with_stalls, heavy_tailed, in_two_modes]
)
def test_an_arm_against_itself_is_rarely_found_different(noise: Noise, pairs: int) -> None:
    found = claims(1.0, noise, pairs)
    # An interval of 95 % is to miss one time in twenty: not more often, nor never.
    assert 5 <= len(found) - found.count(Verdict.NO_DIFFERENCE_SHOWN) <= 70


def test_ordinary_noise_is_called_a_difference_as_often_as_promised() -> None:
    found = claims(1.0, ordinary, 8, experiments=4_000)
    assert 160 <= len(found) - found.count(Verdict.NO_DIFFERENCE_SHOWN) <= 240


@pytest.mark.parametrize("ratio", [1.1, 1 / 1.1])
def test_a_difference_of_a_tenth_is_found_with_the_recommended_pairs(ratio: float) -> None:
    found = claims(ratio, ordinary, RECOMMENDED_PAIRS)
    right = Verdict.FASTER if ratio > 1 else Verdict.SLOWER
    assert found.count(right) >= 950
    assert found.count(right) + found.count(Verdict.NO_DIFFERENCE_SHOWN) == 1_000


def test_the_interval_holds_the_true_ratio_as_often_as_it_promises() -> None:
    random = Random("coverage")
    found = [experiment(random, 1.1, ordinary, 8) for _ in range(1_000)]
    assert 930 <= sum(each.low <= 1.1 <= each.high for each in found) <= 970


def test_blocks_of_two_equal_runs_are_rarely_found_different() -> None:
    random = Random("unpaired")

    def blocks(count: int) -> list[float]:
        return [math.exp(ordinary(random)) for _ in range(count)]

    found = [unpaired(blocks(8), blocks(12)).verdict for _ in range(1_000)]
    assert 30 <= 1_000 - found.count(Verdict.NO_DIFFERENCE_SHOWN) <= 70
