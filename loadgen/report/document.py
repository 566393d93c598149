"""The judgement as JSON has it: what every report is made from, and how it is looked into."""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from loadgen.sending.histogram import Histogram

CONTROL = "control"

Quantity = Literal["p50", "p95", "p99", "throughput"]
QUANTITIES: tuple[Quantity, ...] = ("p50", "p95", "p99", "throughput")

#: By experiment and arm: the latencies of all blocks.
Histograms = Mapping[str, Mapping[str, Histogram]]


class Ratio(TypedDict):
    """A factor with its 95 % interval; above 1 the arm is better than the baseline."""

    estimate: float
    low: float
    high: float


class Arm(TypedDict):
    """Receipts are per request, or shares: what explains the figures."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    mean_ms: float
    requests_per_second: float
    requests: int
    errors: int
    bytes_per_response: float
    receipts: Mapping[str, float]


class NoiseFloor(TypedDict):
    """The baseline against itself: what is found where there is nothing to find."""

    p50: Ratio
    p95: Ratio
    p99: Ratio
    throughput: Ratio


class Comparison(NoiseFloor):
    """One arm against the baseline."""

    verdict: str


class Check(TypedDict):
    """One of the load generator's questions about itself; `ok` is false beyond the limit."""

    check: str
    value: float
    limit: float
    ok: bool


class Experiment(TypedDict):
    """Arms, comparisons and noise floor are missing where the run was not measured."""

    title: str
    workload: str
    baseline: str
    answers_equal: bool
    difference: str | None
    arms: Mapping[str, Arm]
    comparisons: Mapping[str, Comparison]
    noise_floor: NotRequired[NoiseFloor | None]
    audit: list[Check]
    verdict: str
    reason: str


class Document(TypedDict):
    """`measured_at` is in ISO 8601."""

    measured_at: str
    git_revision: str | None
    machine: Mapping[str, Any]
    settings: Mapping[str, Any]
    experiments: Mapping[str, Experiment]


class Median(TypedDict):
    """All that a sweep keeps of an arm at a point."""

    p50_ms: float


class Point(TypedDict):
    """The arms at one value of the swept parameter; the ratio is the first candidate's.

    What was invalid there may have no arms, and has no ratio.
    """

    value: float
    arms: Mapping[str, Median]
    ratio: Ratio | None
    verdict: str
    reason: str


class Sweep(TypedDict):
    """Where the ratio crosses 1; without such a place `break_even` is null and `note` says why."""

    parameter: str
    description: str
    candidate: str
    points: list[Point]
    break_even: Ratio | None
    note: str


Sweeps = Mapping[str, Sweep]


def arms_in_order(experiment: Experiment) -> list[str]:
    """The baseline, the candidates, and the control last."""
    names = [experiment["baseline"], *candidates(experiment), CONTROL]
    return [name for name in names if name in experiment["arms"]]


def candidates(experiment: Experiment) -> list[str]:
    names = experiment["arms"] or experiment["comparisons"]
    return [name for name in names if name not in (experiment["baseline"], CONTROL)]


def foremost(document: Document) -> Document:
    """With the first candidate of each experiment alone: enough for a picture of all of them."""
    experiments = {name: _foremost(each) for name, each in document["experiments"].items()}
    return {**document, "experiments": experiments}


def _foremost(experiment: Experiment) -> Experiment:
    others = set(candidates(experiment)[1:])
    return {
        **experiment,
        "arms": {name: arm for name, arm in experiment["arms"].items() if name not in others},
    }


def noise_of(experiment: Experiment, quantity: Quantity) -> Ratio | None:
    floor = experiment.get("noise_floor")
    return floor[quantity] if floor else None


def ratio_of(experiment: Experiment, arm: str, quantity: Quantity) -> Ratio | None:
    """None where the run is not to be believed: what was computed all the same is no finding."""
    comparison = experiment["comparisons"].get(arm)
    invalid = experiment["verdict"] == "invalid"
    return comparison[quantity] if comparison and not invalid else None


def verdict_of(experiment: Experiment, arm: str) -> str:
    """The arm's own, unless the whole experiment is worth none."""
    comparison = experiment["comparisons"].get(arm)
    if comparison is None or experiment["verdict"] == "invalid":
        return experiment["verdict"]
    return comparison["verdict"]


def alone(document: Document, sweeps: Sweeps | None) -> dict[str, Sweep]:
    """The sweeps that do not belong to an experiment of the document."""
    known = document["experiments"]
    return {name: sweep for name, sweep in (sweeps or {}).items() if name not in known}
