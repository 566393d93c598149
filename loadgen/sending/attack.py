"""Send one block of load to one address: the entry point of `loadgen.sending`.

The two kinds of load are in `closed_loop` and `open_loop`; `load_result` holds the counts.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadgen.sending.closed_loop import ClosedLoop, ClosedLoopRun
from loadgen.sending.connection import Address
from loadgen.sending.load_result import LoadResult
from loadgen.sending.network_link import NetworkLink
from loadgen.sending.open_loop import OpenLoop, OpenLoopRun
from loadgen.sending.pacer import Stage

__all__ = ["Attack", "ClosedLoop", "LoadResult", "OpenLoop"]


@dataclass(frozen=True, slots=True)
class Attack:
    """One block of load: `duration` in seconds, `timeout` in seconds per request.

    Raises ValueError for a duration, rate or number of clients that cannot be sent.
    """

    load: ClosedLoop | OpenLoop
    duration: float
    timeout: float = 30.0
    link: NetworkLink | None = None
    #: Stages replace the rate or the concurrency of `load`.
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
        link: NetworkLink | None = None,
    ) -> "Attack":
        """A block that runs the stages one after the other."""
        return cls(load, sum(stage.seconds for stage in stages), timeout, link, tuple(stages))

    def _stages(self) -> tuple[Stage, ...]:
        return self.stages or (Stage(self.duration, self.load.level),)

    async def run(self, address: Address, requests: Sequence[bytes], first: int = 0) -> LoadResult:
        """Send the encoded requests in a cycle, starting with index `first`.

        The block waits for its last response; `LoadResult.seconds` includes this time. Only the
        timeout ends a request early.
        """
        supply = itertools.islice(itertools.cycle(requests), first % len(requests), None)
        run = self._create(address, supply)
        try:
            await run.run(self._stages())
        finally:
            run.close()
        return run.result

    def _create(self, address: Address, supply: Iterator[bytes]) -> ClosedLoopRun | OpenLoopRun:
        if isinstance(self.load, ClosedLoop):
            return ClosedLoopRun(self.load, address, supply, self.timeout, self.link)
        return OpenLoopRun(self.load, address, supply, self.timeout, self.link)
