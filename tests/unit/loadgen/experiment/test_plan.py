"""The order of blocks: interleaved, balanced, and the same for the same seed."""

from collections import Counter
from random import Random

import pytest

from loadgen.experiment.plan import Block, interleaved
from loadgen.judgement import CONTROL

ARMS = ("naive", "optimized", CONTROL)


def orders(pairs: int, seed: int, arms: tuple[str, ...] = ARMS) -> list[tuple[str, ...]]:
    """The arms of each pair in the order in which they run."""
    blocks = interleaved(arms, pairs, Random(seed))
    assert [block.pair for block in blocks] == [pair for pair in range(pairs) for _ in arms]
    return [tuple(block.arm for block in blocks if block.pair == pair) for pair in range(pairs)]


def test_every_pair_has_one_block_of_each_arm() -> None:
    assert all(sorted(order) == sorted(ARMS) for order in orders(9, seed=1))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("arms", [("A", "B"), ARMS, ("A", "B", "C", "D")])
def test_each_arm_is_in_each_place_equally_often(arms: tuple[str, ...], seed: int) -> None:
    order = orders(4 * len(arms), seed, arms)
    for place in range(len(arms)):
        assert Counter(each[place] for each in order) == dict.fromkeys(arms, 4)


def test_with_an_incomplete_group_each_arm_is_in_each_place_nearly_equally_often() -> None:
    order = orders(8, seed=1)
    for place in range(3):
        counts = Counter(each[place] for each in order)
        assert max(counts.values()) - min(counts.values()) <= 1


def test_every_order_of_the_arms_is_equally_likely() -> None:
    firsts = Counter(orders(2, seed)[0] for seed in range(1_200))
    assert len(firsts) == 6
    assert all(140 < count < 260 for count in firsts.values())


def test_two_arms_run_abba_or_baab() -> None:
    plans = {
        "".join(arm for pair in orders(2, seed, ("A", "B")) for arm in pair) for seed in range(9)
    }
    assert plans == {"ABBA", "BAAB"}


def test_the_same_seed_gives_the_same_plan() -> None:
    assert interleaved(ARMS, 20, Random(7)) == interleaved(ARMS, 20, Random(7))
    assert interleaved(ARMS, 20, Random(7)) != interleaved(ARMS, 20, Random(8))


def test_a_pair_has_a_block_of_each_arm() -> None:
    assert set(interleaved(ARMS, 1, Random(1))) == {Block(arm, 0) for arm in ARMS}


def test_the_rotations_of_a_group_are_shuffled() -> None:
    """Otherwise the first pair of a group would determine the second."""
    following = {
        (first.index("A"), second.index("A"))
        for seed in range(60)
        for first, second in [orders(2, seed, ("A", "B", "C"))]
    }
    assert following == {(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)}


def test_each_group_draws_its_own_order() -> None:
    groups = [orders(4, seed, ("A", "B")) for seed in range(40)]
    assert {"".join(pair[0] for pair in group) for group in groups} == {
        "ABAB",
        "ABBA",
        "BAAB",
        "BABA",
    }


@pytest.mark.parametrize("pairs", [0, 1, 3])
def test_there_are_as_many_pairs_as_asked_for(pairs: int) -> None:
    assert len(orders(pairs, seed=1)) == pairs
    assert len(interleaved(ARMS, pairs, Random(1))) == 3 * pairs


def test_a_finished_group_draws_no_further_order() -> None:
    """More pairs only append to the plan, and no further random numbers are drawn."""
    exact, more = Random(5), Random(5)
    plan = interleaved(ARMS, 3, exact)
    assert interleaved(ARMS, 4, more)[: len(plan)] == plan
    once = Random(5)
    once.sample(ARMS, 3)
    once.sample([1, 2, 3], 3)
    assert exact.random() == once.random()
