"""The order of blocks: interleaved, balanced, and the same for the same seed."""

from collections import Counter
from random import Random

import pytest

from loadgen.plan import Block, interleaved

VARIANTS = ("naive", "optimized")


def orders(pairs: int, seed: int) -> list[tuple[str, ...]]:
    """The variants of each pair in the order in which they run."""
    blocks = interleaved(VARIANTS, pairs, Random(seed))
    assert [block.pair for block in blocks] == [pair for pair in range(pairs) for _ in VARIANTS]
    return [tuple(block.variant for block in blocks if block.pair == pair) for pair in range(pairs)]


def test_every_pair_has_a_block_of_each_variant() -> None:
    assert all(sorted(order) == ["naive", "optimized"] for order in orders(9, seed=1))


@pytest.mark.parametrize("seed", range(10))
def test_each_two_pairs_mirror_each_other(seed: int) -> None:
    order = orders(8, seed)
    assert all(order[pair] == order[pair + 1][::-1] for pair in range(0, 8, 2))


@pytest.mark.parametrize("seed", range(10))
def test_both_variants_go_first_equally_often(seed: int) -> None:
    firsts = Counter(order[0] for order in orders(8, seed))
    assert firsts == {"naive": 4, "optimized": 4}


def test_which_variant_goes_first_is_random() -> None:
    firsts = Counter(orders(2, seed)[0][0] for seed in range(1_000))
    assert 400 < firsts["naive"] < 600


def test_the_same_seed_gives_the_same_plan() -> None:
    assert interleaved(VARIANTS, 20, Random(7)) == interleaved(VARIANTS, 20, Random(7))
    assert interleaved(VARIANTS, 20, Random(7)) != interleaved(VARIANTS, 20, Random(8))


def test_a_block_says_its_variant_and_its_pair() -> None:
    assert set(interleaved(VARIANTS, 1, Random(1))) == {Block("naive", 0), Block("optimized", 0)}
