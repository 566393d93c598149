"""In which order blocks of the arms run.

Arms run in pairs of blocks, each pair in a random order: what drifts slowly (the machine's clock, a
neighbour's load, a filling cache) meets all arms alike and cancels out in the ratio of a pair.
"""

from dataclasses import dataclass
from random import Random

#: The arm that is the baseline once more. What its ratio says is noise: no two arms are more alike.
CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of load on one arm; blocks of the same pair are compared with each other."""

    arm: str
    pair: int


def interleaved(arms: tuple[str, ...], pairs: int, random: Random) -> list[Block]:
    """Each pair has one block of every arm, every second pair in the reverse order of the last.

    So each arm runs before any other as often as after it, and a steady drift cancels out.
    """
    blocks: list[Block] = []
    order = list(arms)
    for pair in range(pairs):
        if pair % 2 == 0:
            random.shuffle(order)
        else:
            order.reverse()
        blocks += [Block(arm, pair) for arm in order]
    return blocks
