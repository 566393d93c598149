"""In which order blocks of the two variants run.

Variants run in pairs of blocks, each pair in a random order: what drifts slowly (the machine's
clock, a neighbour's load, a filling cache) meets both variants alike and cancels out in the ratio
of a pair.
"""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of load on one variant; blocks of the same pair are compared with each other."""

    variant: str
    pair: int


def interleaved(variants: tuple[str, str], pairs: int, random: Random) -> list[Block]:
    """Each two pairs are ABBA or BAAB, so that both variants go first equally often."""
    blocks: list[Block] = []
    order = list(variants)
    for pair in range(pairs):
        if pair % 2 == 0:
            random.shuffle(order)
        else:
            order.reverse()
        blocks += [Block(variant, pair) for variant in order]
    return blocks
