"""When requests are meant to be sent, as decided before the first is: stages and arrivals.

An intended instant does not depend on how long an answer takes; that is what lets a latency tell
of the time that a request would have waited (Gil Tene's coordinated omission).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

from loadgen import quantities

Arrivals = Literal["constant", "poisson"]
ARRIVALS: tuple[Arrivals, ...] = get_args(Arrivals)


@dataclass(frozen=True, slots=True)
class Stage:
    """`level` is requests per second in an open loop and the number of clients in a closed one."""

    seconds: float
    level: float

    def __post_init__(self) -> None:
        if not 0 < self.seconds < float("inf"):
            raise ValueError(f"a stage of {self.seconds:g} s has no length")
        if not 0 < self.level < float("inf"):
            raise ValueError(f"a stage of {self.level:g} requests per second or clients sends none")

    @property
    def clients(self) -> int:
        """The level of a closed loop. Raises ValueError when it is no whole number."""
        if self.level != int(self.level):
            raise ValueError(f"{self.level:g} is no number of clients")
        return int(self.level)


def parse_stages(text: str) -> tuple[Stage, ...]:
    """From `10s:100,30s:500`: for 10 s 100, then for 30 s 500. Raises ValueError."""
    return tuple(_stage(part) for part in text.split(","))


def _stage(text: str) -> Stage:
    length, separator, level = text.strip().partition(":")
    if not separator:
        raise ValueError(f"{text!r} is no stage like 10s:100")
    try:
        number = float(level)
    except ValueError:
        raise ValueError(f"{text!r} is no stage like 10s:100: {level!r} is no number") from None
    return Stage(quantities.seconds(length), number)


def instants(stages: Sequence[Stage], arrivals: Arrivals, seed: int) -> Iterator[float]:
    """In seconds since the start, in order; made one by one, for a run may be of any length.

    Poisson arrivals are those of many users who know nothing of each other; the same seed gives the
    same ones.
    """
    random = Random(f"{seed}/arrivals")
    begin = 0.0
    for stage in stages:
        offsets = _constant(stage) if arrivals == "constant" else _poisson(stage, random)
        for offset in offsets:
            yield begin + offset
        begin += stage.seconds


def _constant(stage: Stage) -> Iterator[float]:
    """Multiplied, not added up: the millionth is as exact as the first."""
    number = 0
    while (offset := number / stage.level) < stage.seconds:
        yield offset
        number += 1


def _poisson(stage: Stage, random: Random) -> Iterator[float]:
    offset = random.expovariate(stage.level)
    while offset < stage.seconds:
        yield offset
        offset += random.expovariate(stage.level)
