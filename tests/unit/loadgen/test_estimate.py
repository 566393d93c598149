"""Quantiles, and intervals that hold what they promise: shown by simulated experiments."""

import math
from random import Random
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen import estimate
from loadgen.estimate import MINIMUM_PAIRS, Speedup, Verdict, quantile, speedup


@pytest.fixture
def fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as a simulation of hundreds of experiments has time for."""
    monkeypatch.setattr(estimate, "RESAMPLES", 200)


def experiment(random: Random, ratio: float, noise: float, pairs: int = 8) -> Speedup:
    """An experiment whose true speed-up is `ratio`; `noise` is the spread of its logarithm."""
    ratios = [ratio * random.lognormvariate(0, noise) for _ in range(pairs)]
    return speedup(ratios, random)


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


def test_the_speed_up_is_the_geometric_mean_of_the_pairs() -> None:
    assert speedup([1.0, 1.0, 4.0, 4.0], Random(1)).estimate == pytest.approx(2.0)
    assert speedup([0.5, 1.0, 1.0, 2.0], Random(1)).estimate == pytest.approx(1.0)


@pytest.mark.parametrize("noise", [0.01, 0.1, 1.0])
def test_the_estimate_lies_within_its_interval(fewer_resamples: None, noise: float) -> None:
    for seed in range(20):
        found = experiment(Random(seed), 1.0, noise)
        assert 0 < found.low < found.estimate < found.high


def test_pairs_of_which_two_agree_very_well_still_have_an_interval() -> None:
    found = speedup([1.0, 1.000_01, 1.5, 2.0], Random(1))
    assert found.low <= found.estimate <= found.high
    assert math.isfinite(found.high)


def test_the_same_ratios_and_seed_give_the_same_interval() -> None:
    ratios = [1.1, 1.3, 0.9, 1.2]
    assert speedup(ratios, Random(1)) == speedup(ratios, Random(1))


def test_swapping_the_variants_turns_the_interval_over(fewer_resamples: None) -> None:
    ratios = [1.1, 1.3, 0.9, 1.2, 1.15]
    there = speedup(ratios, Random(1))
    back = speedup([1 / ratio for ratio in ratios], Random(1))
    assert back.estimate == pytest.approx(1 / there.estimate)
    assert back.low == pytest.approx(1 / there.high, rel=0.02)


def test_more_noise_makes_a_wider_interval() -> None:
    quiet = speedup([1.19, 1.2, 1.21, 1.2], Random(1))
    noisy = speedup([1.0, 1.4, 0.9, 1.6], Random(1))
    assert noisy.high / noisy.low > quiet.high / quiet.low


def test_pairs_that_agree_to_the_last_digit_have_an_interval_of_no_width() -> None:
    found = speedup([2.0] * MINIMUM_PAIRS, Random(1))
    assert found.low == found.estimate == found.high == pytest.approx(2.0)


@pytest.mark.parametrize("pairs", [0, 1, 2, MINIMUM_PAIRS - 1])
def test_too_few_pairs_have_no_interval(pairs: int) -> None:
    with pytest.raises(ValueError, match=f"at least {MINIMUM_PAIRS} pairs"):
        speedup([2.0] * pairs, Random(1))


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


def false_claims(experiments: int, pairs: int) -> int:
    """How many of so many experiments find a difference between a variant and itself."""
    random = Random(f"{pairs} pairs of the same")
    found = [experiment(random, 1.0, 0.05, pairs).verdict for _ in range(experiments)]
    return experiments - found.count(Verdict.NO_DIFFERENCE_SHOWN)


def test_a_variant_against_itself_is_rarely_found_different(fewer_resamples: None) -> None:
    # An interval of 95 % is to miss one time in twenty: not much more often, nor never.
    assert 30 < false_claims(1_000, pairs=8) <= 70


def test_the_fewest_pairs_that_can_be_asked_for_claim_hardly_more(fewer_resamples: None) -> None:
    assert false_claims(500, pairs=MINIMUM_PAIRS) <= 50


def test_a_difference_of_a_tenth_is_found_in_little_noise(fewer_resamples: None) -> None:
    random = Random("tenth")
    experiments = 200
    found = [experiment(random, 1.1, 0.03) for _ in range(experiments)]
    faster = [each for each in found if each.verdict is Verdict.FASTER]
    assert len(faster) >= 0.9 * experiments
    covered = [each for each in found if each.low <= 1.1 <= each.high]
    assert len(covered) >= 0.9 * experiments


def test_the_direction_of_a_difference_is_not_confused(fewer_resamples: None) -> None:
    random = Random("direction")
    slower = [experiment(random, 1 / 1.5, 0.05) for _ in range(20)]
    assert {each.verdict for each in slower} == {Verdict.SLOWER}
    assert all(math.isclose(each.estimate, 1 / 1.5, rel_tol=0.1) for each in slower)
