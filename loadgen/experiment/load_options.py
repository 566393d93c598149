"""The options of a run: how every block of every experiment is loaded."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from loadgen.sending.attack import Attack, ClosedLoop, OpenLoop
from loadgen.sending.network_link import NetworkLink
from loadgen.sending.pacer import Stage

#: Length of an arm's warm-up, as a share of a block.
WARM_UP_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """`rate` in requests/s makes the load an open loop; None makes it a closed loop.

    `duration` is seconds per block, `link` is bits/s, `link_latency` and `timeout` are seconds.
    """

    iterations: int
    concurrency: int
    duration: float
    seed: int
    rate: float | None = None
    arrivals: str = "constant"
    stages: tuple[Stage, ...] = ()
    link: float | None = None
    link_latency: float = 0.0
    timeout: float = 30.0

    def attack(self, duration: float | None = None) -> Attack:
        """The load of a whole block, or of `duration` seconds. Raises ValueError if unusable."""
        load = self._load()
        link = NetworkLink(self.link, self.link_latency) if self.link else None
        if self.stages and duration is None:
            return Attack.staged(load, self.stages, self.timeout, link)
        return Attack(load, duration or self.block_seconds, self.timeout, link)

    @property
    def block_seconds(self) -> float:
        return sum(stage.seconds for stage in self.stages) or self.duration

    def seconds(self, arms: int) -> float:
        """The duration of all blocks and warm-ups of an experiment with `arms` arms."""
        return arms * self.block_seconds * (self.iterations + WARM_UP_SHARE)

    def as_document(self) -> dict[str, Any]:
        """The options as a bundle stores them, without options that are not set."""
        document = {field.name: getattr(self, field.name) for field in fields(self)}
        document["stages"] = [asdict(stage) for stage in self.stages]
        return {name: value for name, value in document.items() if value not in (None, [])}

    def _load(self) -> ClosedLoop | OpenLoop:
        if self.rate is None:
            return ClosedLoop(self.concurrency)
        return OpenLoop(self.rate, self.arrivals, self.seed)  # type: ignore[arg-type]
