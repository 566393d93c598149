"""The arms of an experiment: where each one's requests go, and who counts them there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from loadgen.experiment.workload import Inputs
from loadgen.judgement import CONTROL
from loadgen.sending.connection import Address
from services.contract import Technique

METRICS_PATH = "/metrics"


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """Where a server tells what it has counted, in Prometheus's format."""

    address: Address
    path: str = METRICS_PATH


@dataclass(frozen=True, slots=True)
class Arm:
    """Requests as bytes, in order; `targets` says for people what each of them asks.

    Where the server tells variants apart, `variant` is what its counters call this one.
    """

    name: str
    address: Address
    targets: tuple[str, ...]
    requests: tuple[bytes, ...]
    variant: str = ""
    metrics: MetricsPage | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What is compared: the baseline first, the control last.

    With `answers_may_differ` the arms are not asked whether they answer the same.
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
    """The arms, and the first of them once more: what it then differs by is noise."""
    return (*arms, replace(arms[0], name=CONTROL))


def technique_subject(
    technique: Technique,
    inputs: Inputs,
    address: Address,
    metrics: MetricsPage | None,
    variants: Sequence[str],
) -> Subject:
    """Naive against these variants, all with the same inputs."""
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
