"""One block of load on one address, and what came of it: the way in to all of sending."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadgen.sending.closed_loop import ClosedLoop, ClosedRun
from loadgen.sending.connection import Address
from loadgen.sending.link import Link
from loadgen.sending.open_loop import OpenLoop, OpenRun
from loadgen.sending.pacer import Stage
from loadgen.sending.tally import Tally

__all__ = ["Attack", "ClosedLoop", "OpenLoop", "Tally"]


@dataclass(frozen=True, slots=True)
class Attack:
    """How to load, for `duration` seconds; each request has `timeout` seconds.

    Raises ValueError when that is no load: no length, a rate of 0, half a client.
    """

    load: ClosedLoop | OpenLoop
    duration: float
    timeout: float = 30.0
    link: Link | None = None
    #: Where there are any, they say how much, not the load.
    stages: tuple[Stage, ...] = ()

    def __post_init__(self) -> None:
        for stage in self._stages():
            if isinstance(self.load, ClosedLoop):
                _ = stage.clients

    @classmethod
    def staged(
        cls,
        load: ClosedLoop | OpenLoop,
        stages: Sequence[Stage],
        timeout: float = 30.0,
        link: Link | None = None,
    ) -> "Attack":
        """One stage after the other in one block, in place of the load's own rate or clients."""
        return cls(load, sum(stage.seconds for stage in stages), timeout, link, tuple(stages))

    def _stages(self) -> tuple[Stage, ...]:
        return self.stages or (Stage(self.duration, self.load.level),)

    async def run(self, address: Address, requests: Sequence[bytes], first: int = 0) -> Tally:
        """Send the requests round and round, from number `first` on; count every one sent.

        No request is cut short but by its timeout: a block ends when its last answer is in, and its
        seconds run to that moment.
        """
        supply = itertools.islice(itertools.cycle(requests), first % len(requests), None)
        loop = self._create(address, supply)
        try:
            await loop.run(self._stages())
        finally:
            loop.close()
        return loop.tally

    def _create(self, address: Address, supply: Iterator[bytes]) -> ClosedRun | OpenRun:
        if isinstance(self.load, ClosedLoop):
            return ClosedRun(self.load, address, supply, self.timeout, self.link)
        return OpenRun(self.load, address, supply, self.timeout, self.link)
