"""In which order blocks of the arms run.

Arms run in pairs of blocks, each pair in a random order: what drifts slowly (the machine's clock, a
neighbour's load, a filling cache) meets all arms alike and cancels out in the ratio of a pair.
"""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of load on one arm; blocks of the same pair are compared with each other."""

    arm: str
    pair: int


def interleaved(arms: tuple[str, ...], pairs: int, random: Random) -> list[Block]:
    """As many pairs as there are arms are the rotations of a random order, in random order.

    So every arm is first, second and last equally often (of two arms: ABBA or BAAB), and what a
    place in a pair is worth meets all alike. Reversing the order instead would leave the middle one
    of three where it was.
    """
    orders: list[list[str]] = []
    while len(orders) < pairs:
        orders += _rotations(arms, random)
    return [Block(arm, pair) for pair, order in enumerate(orders[:pairs]) for arm in order]


def _rotations(arms: tuple[str, ...], random: Random) -> list[list[str]]:
    order = random.sample(arms, len(arms))
    rotations = [order[shift:] + order[:shift] for shift in range(len(order))]
    return random.sample(rotations, len(rotations))
