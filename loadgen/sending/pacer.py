"""Decide in advance when requests are sent: stages of load, and arrivals within a stage.

An intended instant does not depend on how long earlier responses take. So a latency counted from
the intended instant includes the time that a request waits to be sent. A generator without this
property hides slow requests; Gil Tene calls the error coordinated omission.
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
    """A period of constant load. Raises ValueError unless both numbers are above 0 and finite.

    `level` is requests per second in an open loop and the number of clients in a closed loop.
    """

    seconds: float
    level: float

    def __post_init__(self) -> None:
        if not 0 < self.seconds < float("inf"):
            raise ValueError(f"a stage cannot last {self.seconds:g} s: use a duration above 0")
        if not 0 < self.level < float("inf"):
            raise ValueError(
                f"a stage cannot have {self.level:g} requests per second or clients:"
                " use a number above 0"
            )

    @property
    def clients(self) -> int:
        """The level of a closed loop. Raises ValueError unless it is a whole number."""
        if self.level != int(self.level):
            raise ValueError(
                f"a closed loop cannot have {self.level:g} clients: use a whole number, or --rate"
            )
        return int(self.level)


def parse_stages(text: str) -> tuple[Stage, ...]:
    """Read `10s:100,30s:500`: 10 seconds at level 100, then 30 seconds at 500.

    Raises ValueError.
    """
    return tuple(_parse_stage(part) for part in text.split(","))


def _parse_stage(text: str) -> Stage:
    duration, separator, level = text.strip().partition(":")
    if not separator:
        raise ValueError(f"{text!r} is not a stage: write DURATION:LEVEL, such as 10s:100")
    try:
        number = float(level)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a stage like 10s:100: its level {level!r} is not a number"
        ) from None
    return Stage(quantities.seconds(duration), number)


def instants(stages: Sequence[Stage], arrivals: Arrivals, seed: int) -> Iterator[float]:
    """Yield the instants of all requests, in seconds since the start, in order.

    The instants are generated one by one, because a run may be long. Poisson arrivals model many
    independent users; the same seed gives the same arrivals.
    """
    random = Random(f"{seed}/arrivals")
    begin = 0.0
    for stage in stages:
        offsets = _constant(stage) if arrivals == "constant" else _poisson(stage, random)
        for offset in offsets:
            yield begin + offset
        begin += stage.seconds


def _constant(stage: Stage) -> Iterator[float]:
    """Multiply instead of adding up, so that rounding errors do not accumulate."""
    number = 0
    while (offset := number / stage.level) < stage.seconds:
        yield offset
        number += 1


def _poisson(stage: Stage, random: Random) -> Iterator[float]:
    offset = random.expovariate(stage.level)
    while offset < stage.seconds:
        yield offset
        offset += random.expovariate(stage.level)
