"""The subject of an experiment: two or more arms that get the same requests."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from loadgen.experiment.inputs import Inputs
from loadgen.judgement import CONTROL
from loadgen.sending.connection import Address
from services.contract import Technique

METRICS_PATH = "/metrics"


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """The page where a server shows its counters in Prometheus's format."""

    address: Address
    path: str = METRICS_PATH


@dataclass(frozen=True, slots=True)
class Arm:
    """One of the compared implementations: its encoded requests and their targets, in order.

    `variant` is the arm's label value in the server's counters; empty if the server has none.
    """

    name: str
    address: Address
    targets: tuple[str, ...]
    requests: tuple[bytes, ...]
    variant: str = ""
    metrics: MetricsPage | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """The arms of one experiment: the baseline first, the control last.

    With `answers_may_differ`, the responses of the arms are not compared.
    """

    name: str
    title: str
    workload: str
    arms: tuple[Arm, ...]
    answers_may_differ: bool = False

    @property
    def baseline(self) -> Arm:
        return self.arms[0]

    @property
    def candidates(self) -> tuple[Arm, ...]:
        return tuple(arm for arm in self.arms[1:] if arm.name != CONTROL)


def with_control(arms: Sequence[Arm]) -> tuple[Arm, ...]:
    """Add the baseline once more as the control: any difference between the two is noise."""
    return (*arms, replace(arms[0], name=CONTROL))


def technique_subject(
    technique: Technique,
    inputs: Inputs,
    address: Address,
    metrics: MetricsPage | None,
    variants: Sequence[str],
) -> Subject:
    """Compare naive with these variants. All arms get the same inputs."""
    arms = [
        Arm(
            name=variant,
            address=address,
            targets=tuple(inputs.target(variant, query) for query in inputs.queries),
            requests=tuple(inputs.encoded(address, variant)),
            variant=variant,
            metrics=metrics,
        )
        for variant in ("naive", *variants)
    ]
    workload = technique.workload.description
    return Subject(technique.name, technique.title, workload, with_control(arms))
