"""The order of blocks: interleaved, balanced, and the same for the same seed."""

from collections import Counter
from itertools import combinations
from random import Random

import pytest

from loadgen.experiment.plan import CONTROL, Block, interleaved

ARMS = ("naive", "optimized", CONTROL)


def orders(pairs: int, seed: int, arms: tuple[str, ...] = ARMS) -> list[tuple[str, ...]]:
    """The arms of each pair in the order in which they run."""
    blocks = interleaved(arms, pairs, Random(seed))
    assert [block.pair for block in blocks] == [pair for pair in range(pairs) for _ in arms]
    return [tuple(block.arm for block in blocks if block.pair == pair) for pair in range(pairs)]


def test_every_pair_has_a_block_of_each_arm() -> None:
    assert all(sorted(order) == sorted(ARMS) for order in orders(9, seed=1))


@pytest.mark.parametrize("seed", range(10))
def test_each_two_pairs_mirror_each_other(seed: int) -> None:
    order = orders(8, seed)
    assert all(order[pair] == order[pair + 1][::-1] for pair in range(0, 8, 2))


@pytest.mark.parametrize("seed", range(10))
def test_each_arm_runs_before_any_other_as_often_as_after_it(seed: int) -> None:
    order = orders(8, seed)
    for one, other in combinations(ARMS, 2):
        before = [each.index(one) < each.index(other) for each in order]
        assert before.count(True) == before.count(False)


def test_every_order_of_the_arms_is_as_likely_as_any_other() -> None:
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


def test_a_block_says_its_arm_and_its_pair() -> None:
    assert set(interleaved(ARMS, 1, Random(1))) == {Block(arm, 0) for arm in ARMS}
