"""The order in which the blocks of the arms run.

Blocks run in pairs: each pair has one block of each arm, in a random order. Slow drifts (clock
frequency, a neighbour's load, a filling cache) affect all arms of a pair alike and cancel out in
its ratio.
"""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of load on one arm; blocks of the same pair are compared with each other."""

    arm: str
    pair: int


def interleaved(arms: tuple[str, ...], pairs: int, random: Random) -> list[Block]:
    """Each group of N pairs uses all N rotations of one random order of the N arms, shuffled.

    So every arm is equally often first, second and last (with two arms: ABBA or BAAB). The effect
    of a place in the pair is then the same for all arms. Rejected: reversing the order in every
    second pair, since the middle one of three arms would always stay in the middle.
    """
    orders: list[list[str]] = []
    while len(orders) < pairs:
        orders += _rotations(arms, random)
    return [Block(arm, pair) for pair, order in enumerate(orders[:pairs]) for arm in order]


def _rotations(arms: tuple[str, ...], random: Random) -> list[list[str]]:
    order = random.sample(arms, len(arms))
    rotations = [order[shift:] + order[:shift] for shift in range(len(order))]
    return random.sample(rotations, len(rotations))
