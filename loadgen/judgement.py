"""The judgement of a run: its types, the verdict rule, and the break-even of a sweep.

`judging/judge.py` computes a judgement from evidence. Every report reads these types, and
`judgement.json` and `sweeps.json` hold them as JSON. This module imports nothing else of the load
generator, so that every other module may import it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

#: The arm that runs the baseline once more. No two arms are more alike: its ratio is pure noise.
CONTROL = "control"
#: A smaller difference is no reason to change a program, and two builds of the same program may
#: differ by as much.
MINIMUM_EFFECT = 0.02

Quantity = Literal["p50", "p95", "p99", "throughput"]
#: What arms are compared by.
QUANTITIES: tuple[Quantity, ...] = ("p50", "p95", "p99", "throughput")


class Verdict(StrEnum):
    """What a ratio with its interval allows to say of an arm."""

    FASTER = "faster"
    SLOWER = "slower"
    NO_DIFFERENCE_SHOWN = "no difference shown"
    INVALID = "invalid"


class Ratio(msgspec.Struct, frozen=True):
    """A factor with its 95 % interval; above 1 the arm is better than the baseline."""

    estimate: float
    low: float
    high: float


def verdict_from(ratio: Ratio, noise_floor: Ratio | None) -> Verdict:
    """The verdict rule: a difference is larger than noise and large enough to matter.

    The whole interval must lie beyond MINIMUM_EFFECT and beyond the interval of the control, which
    cannot differ. Without a control only MINIMUM_EFFECT counts.
    """
    low, high = 1 / (1 + MINIMUM_EFFECT), 1 + MINIMUM_EFFECT
    if noise_floor is not None:
        low, high = min(low, noise_floor.low), max(high, noise_floor.high)
    if ratio.low > high:
        return Verdict.FASTER
    if ratio.high < low:
        return Verdict.SLOWER
    return Verdict.NO_DIFFERENCE_SHOWN


class Ratios(msgspec.Struct, frozen=True):
    """The ratios of one arm by quantity. The ratios of the control are the noise floor."""

    p50: Ratio
    p95: Ratio
    p99: Ratio
    throughput: Ratio

    def of(self, quantity: Quantity) -> Ratio:
        ratio: Ratio = getattr(self, quantity)
        return ratio


class Comparison(Ratios, frozen=True):
    """One candidate against the baseline. The verdict is that of the median."""

    verdict: Verdict


class Figures(msgspec.Struct, frozen=True):
    """One arm over all its blocks. Receipts are counts per request, or shares."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    mean_ms: float
    requests_per_second: float
    requests: int
    errors: int
    bytes_per_response: float
    receipts: Mapping[str, float]


class Check(msgspec.Struct, frozen=True):
    """One check of the load generator by itself; `ok` is false beyond the limit."""

    check: str
    value: float
    limit: float
    ok: bool


class ExperimentJudgement(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment. `arms` has the arms that answered; an invalid one has no comparisons."""

    title: str
    workload: str
    baseline: str
    answers_equal: bool
    difference: str | None
    arms: Mapping[str, Figures]
    comparisons: Mapping[str, Comparison]
    noise_floor: Ratios | None = None
    audit: tuple[Check, ...]
    verdict: Verdict
    reason: str

    @property
    def is_invalid(self) -> bool:
        return self.verdict is Verdict.INVALID

    @property
    def candidates(self) -> list[str]:
        """The arms that are compared with the baseline; the control is none of them."""
        names = self.arms or self.comparisons
        return [name for name in names if name not in (self.baseline, CONTROL)]

    @property
    def arms_in_order(self) -> list[str]:
        """The names of the baseline, of the candidates, and of the control last."""
        names = [self.baseline, *self.candidates, CONTROL]
        return [name for name in names if name in self.arms]

    def noise(self, quantity: Quantity) -> Ratio | None:
        """The control's ratio; None if no control ran."""
        return self.noise_floor.of(quantity) if self.noise_floor else None

    def ratio(self, arm: str, quantity: Quantity) -> Ratio | None:
        """None if the arm was not compared, or if the experiment is invalid."""
        comparison = self.comparisons.get(arm)
        return comparison.of(quantity) if comparison and not self.is_invalid else None

    def verdict_of(self, arm: str) -> Verdict:
        """The arm's own verdict; the experiment's if it is invalid or did not compare the arm."""
        comparison = self.comparisons.get(arm)
        return self.verdict if comparison is None or self.is_invalid else comparison.verdict


class Judgement(msgspec.Struct, frozen=True):
    """All experiments of a run by name. `measured_at` is in ISO 8601."""

    measured_at: str
    git_revision: str | None
    machine: Mapping[str, Any]
    settings: Mapping[str, Any]
    experiments: Mapping[str, ExperimentJudgement]

    def with_first_candidates(self) -> "Judgement":
        """This judgement with only the first candidate of each experiment, for an overview."""
        experiments = {name: _with_first_candidate(each) for name, each in self.experiments.items()}
        return replace(self, experiments=experiments)


def _with_first_candidate(experiment: ExperimentJudgement) -> ExperimentJudgement:
    others = experiment.candidates[1:]
    arms = {name: arm for name, arm in experiment.arms.items() if name not in others}
    return replace(experiment, arms=arms)


# Sweeps


class BreakEven(msgspec.Struct, frozen=True):
    """The value of a swept parameter at which the ratio is 1, with a 95 % interval."""

    estimate: float
    low: float
    high: float


class Median(msgspec.Struct, frozen=True):
    """The figures that a sweep keeps of an arm at one value."""

    p50_ms: float


class SweepPoint(msgspec.Struct, frozen=True):
    """The arms at one value of the swept parameter; `ratio` and `verdict` are the candidate's.

    A point of an invalid experiment has no ratio, and `reason` says why.
    """

    value: int
    arms: Mapping[str, Median]
    ratio: Ratio | None
    verdict: Verdict
    reason: str


class SweepJudgement(msgspec.Struct, frozen=True):
    """A sweep's points in ascending order. `note` says why there is a break-even, or why none."""

    parameter: str
    description: str
    candidate: str
    points: tuple[SweepPoint, ...]
    break_even: BreakEven | None
    note: str


#: By the name of the technique.
SweepJudgements = Mapping[str, SweepJudgement]


def sweeps_without_experiment(judgement: Judgement, sweeps: SweepJudgements) -> SweepJudgements:
    """The sweeps of techniques that are no experiment of this judgement.

    If a whole run is a sweep, its experiments have the names of its values.
    """
    return {name: each for name, each in sweeps.items() if name not in judgement.experiments}


class _Measured(NamedTuple):
    """A point that has a ratio."""

    value: float
    ratio: Ratio
    verdict: Verdict


def break_even(points: Sequence[SweepPoint]) -> BreakEven | None:
    """The value at which the ratio crosses 1; None unless it does so exactly once.

    `points` ascend. A difference must be shown on both sides of the crossing. Between two points
    the ratio and its bounds are interpolated linearly; both scales are logarithmic (that of the
    values is linear between zero and the next value). The interval holds all values at which the
    bounds do not exclude 1.
    """
    changes = _verdict_changes(_measured(points))
    if len(changes) != 1:
        return None
    (stretch,) = changes
    places = _crossings(stretch, lambda ratio: ratio.estimate)
    lows = _crossings(stretch, lambda ratio: ratio.low)
    highs = _crossings(stretch, lambda ratio: ratio.high)
    first, last = (lows, highs) if stretch[0].verdict is Verdict.FASTER else (highs, lows)
    # Noise around 1 may make the ratio cross 1 several times. The number of crossings is odd, since
    # the stretch ends on the other side; the median crossing is the estimate.
    return BreakEven(places[len(places) // 2], first[0], last[-1])


def break_even_note(points: Sequence[SweepPoint]) -> str:
    """The number of break-even points in words, and the verdicts by value that show it."""
    measured = _measured(points)
    if not measured:
        return "nothing was measured"
    changes = len(_verdict_changes(measured))
    count = ("none in range", "one in range", "several in range")[min(changes, 2)]
    return f"{count}: {', '.join(_runs(measured))}"


def _measured(points: Sequence[SweepPoint]) -> list[_Measured]:
    return [
        _Measured(point.value, point.ratio, point.verdict)
        for point in points
        if point.ratio is not None
    ]


def _verdict_changes(points: Sequence[_Measured]) -> list[Sequence[_Measured]]:
    """The stretches between a point shown faster and a neighbour shown slower, or vice versa."""
    shown = [
        index
        for index, point in enumerate(points)
        if point.verdict is not Verdict.NO_DIFFERENCE_SHOWN
    ]
    return [
        points[first : last + 1]
        for first, last in pairwise(shown)
        if points[first].verdict is not points[last].verdict
    ]


def _crossings(points: Sequence[_Measured], bound: Callable[[Ratio], float]) -> list[float]:
    """The values at which one of the ratio's three numbers crosses 1."""
    crossings = []
    for left, right in pairwise(points):
        before, after = math.log(bound(left.ratio)), math.log(bound(right.ratio))
        if (before < 0) != (after < 0):
            crossings.append(_interpolated(left.value, right.value, before / (before - after)))
    return crossings


def _interpolated(left: float, right: float, share: float) -> float:
    if left > 0:
        return math.exp(math.log(left) + share * (math.log(right) - math.log(left)))
    return left + share * (right - left)


def _runs(points: Sequence[_Measured]) -> Iterator[str]:
    """Neighbours with the same verdict in words: "faster at 1 to 10"."""
    for verdict, group in groupby(points, key=lambda point: point.verdict):
        values = [f"{point.value:g}" for point in group]
        yield f"{verdict} at {values[0]}" + (f" to {values[-1]}" if len(values) > 1 else "")


# JSON


def encode(judgement: Judgement | SweepJudgements) -> bytes:
    """Indented JSON with a newline at the end."""
    return msgspec.json.format(msgspec.json.encode(judgement), indent=2) + b"\n"


def decode_judgement(text: bytes) -> Judgement:
    """From JSON; unknown keys are ignored. Raises ValueError."""
    return msgspec.json.decode(text, type=Judgement)


def decode_sweeps(text: bytes) -> dict[str, SweepJudgement]:
    """From JSON; unknown keys are ignored. Raises ValueError."""
    return msgspec.json.decode(text, type=dict[str, SweepJudgement])
