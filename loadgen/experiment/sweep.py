"""Where a technique begins to pay, or ceases to: one number of its workload, varied."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

from loadgen.experiment.plan import CONTROL
from loadgen.judging.estimate import Verdict
from services.contract import Constant, Sweep, Technique

_MOST_VALUES = 50
_BITS_PER_MEGABIT = 1e6
_MILLISECONDS = 1e3


@dataclass(frozen=True, slots=True)
class Step:
    """One value of a sweep: the technique with its workload changed, and how else to load it.

    None stands for what the whole run says.
    """

    value: int
    technique: Technique
    concurrency: int | None = None
    link_bits_per_second: float | None = None
    link_latency_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """How often as fast as the baseline an arm was at one value, with a 95 % interval.

    `judged` is the experiment's own verdict, which also heeds its noise floor.
    """

    value: float
    estimate: float
    low: float
    high: float
    judged: Verdict | None = None

    @property
    def verdict(self) -> Verdict:
        if self.judged is not None:
            return self.judged
        if self.low > 1:
            return Verdict.FASTER
        return Verdict.SLOWER if self.high < 1 else Verdict.NO_DIFFERENCE_SHOWN


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The value at which the ratio is 1, with a 95 % interval."""

    estimate: float
    low: float
    high: float


def parse_sweep(text: str, technique: Technique) -> Sweep:
    """A sweep from `rows=1,10,100`. Raises ValueError saying what would be right."""
    name, separator, listed = text.partition("=")
    name = name.strip()
    if not separator:
        raise ValueError(f"{text!r} is no sweep: write it as {_example(technique)}")
    if name not in technique.swept():
        there = ", ".join(technique.swept())
        raise ValueError(f"{technique.name} has no number {name!r} to sweep; there are {there}")
    values = _values(name, listed.split(","), technique)
    if name == technique.sweep.parameter:
        return replace(technique.sweep, values=values)
    return Sweep(name, values, technique.swept()[name].description)


def _values(name: str, texts: Sequence[str], technique: Technique) -> tuple[int, ...]:
    parameter = technique.swept()[name]
    values = set()
    for text in texts:
        try:
            values.add(parameter.parse(text.strip()))
        except ValueError as error:
            raise ValueError(f"{name}: {text.strip()!r} is not {error}") from None
    if not 2 <= len(values) <= _MOST_VALUES:
        raise ValueError(f"{name}: a sweep needs 2 to {_MOST_VALUES} different values")
    return tuple(sorted(values))


def _example(technique: Technique) -> str:
    return f"{technique.sweep.parameter}={','.join(map(str, technique.sweep.values))}"


def steps(technique: Technique, sweep: Sweep) -> list[Step]:
    """In the order of the values."""
    return [_step(technique, sweep, value) for value in sweep.values]


def _step(technique: Technique, sweep: Sweep, value: int) -> Step:
    draws = {**technique.workload.draws, **sweep.draws}
    match sweep.parameter:
        case "concurrency":
            return Step(value, _with(technique, draws), concurrency=value)
        case "link":
            speed = value * _BITS_PER_MEGABIT
            return Step(value, _with(technique, draws), sweep.concurrency, speed)
        case "latency":
            far = _BITS_PER_MEGABIT * technique.swept()["link"].default, value / _MILLISECONDS
            return Step(value, _with(technique, draws), sweep.concurrency, *far)
    draws[sweep.parameter] = Constant(value)
    return Step(value, _with(technique, draws), sweep.concurrency)


def _with(technique: Technique, draws: Mapping[str, Any]) -> Technique:
    return replace(technique, workload=replace(technique.workload, draws=draws))


def break_even(points: Sequence[Point]) -> BreakEven | None:
    """Where the ratio crosses 1, if it does so once, from values in ascending order.

    There must be points on both sides for which a difference is shown. Between neighbours the
    ratio and its bounds are taken for straight lines, both scales logarithmic (the lower one linear
    from zero on); the interval is where the bounds do not exclude 1.
    """
    turns = _turns(points)
    if len(turns) != 1:
        return None
    (stretch,) = turns
    places = _crossings(stretch, [point.estimate for point in stretch])
    lows = _crossings(stretch, [point.low for point in stretch])
    highs = _crossings(stretch, [point.high for point in stretch])
    first, last = (lows, highs) if stretch[0].verdict is Verdict.FASTER else (highs, lows)
    # Noise around 1 may make the ratio cross it a few times: an odd number, since it ends beyond.
    return BreakEven(places[len(places) // 2], first[0], last[-1])


def _turns(points: Sequence[Point]) -> list[Sequence[Point]]:
    """The stretches that begin with one difference shown and end with the contrary one."""
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


def _crossings(points: Sequence[Point], ratios: Sequence[float]) -> list[float]:
    found = []
    for (left, before), (right, after) in pairwise(zip(points, map(math.log, ratios), strict=True)):
        if (before < 0) != (after < 0):
            found.append(_between(left.value, right.value, before / (before - after)))
    return found


def _between(left: float, right: float, share: float) -> float:
    if left > 0:
        return math.exp(math.log(left) + share * (math.log(right) - math.log(left)))
    return left + share * (right - left)


def finding(points: Sequence[Point]) -> str:
    """In words, why there is a break-even point or none: what was shown at which values."""
    if not points:
        return "nothing was measured"
    turns = len(_turns(points))
    beginning = ("none in range", "one in range", "several in range")[min(turns, 2)]
    return f"{beginning}: {', '.join(_runs(points))}"


def _runs(points: Sequence[Point]) -> Iterator[str]:
    for verdict, group in groupby(points, key=lambda point: point.verdict):
        values = [f"{point.value:g}" for point in group]
        yield f"{verdict} at {values[0]}" + (f" to {values[-1]}" if len(values) > 1 else "")


def document(sweep: Sweep, measured: Mapping[int, Mapping[str, Any]]) -> dict[str, object]:
    """The sweep as JSON, from the judged experiment of each value.

    The ratio is that of the first candidate; a value without a verdict keeps its medians only.
    """
    candidate = _candidate(measured)
    points = _points(measured, candidate)
    place = break_even(points)
    return {
        "parameter": sweep.parameter,
        "description": sweep.description,
        "candidate": candidate,
        "points": [_entry(value, measured[value], candidate) for value in sorted(measured)],
        "break_even": _ratio(place) if place else None,
        "note": finding(points),
    }


def _candidate(measured: Mapping[int, Mapping[str, Any]]) -> str:
    compared = (name for each in measured.values() for name in each.get("comparisons", {}))
    return next((name for name in compared if name != CONTROL), "")


def _points(measured: Mapping[int, Mapping[str, Any]], candidate: str) -> list[Point]:
    points = []
    for value, experiment in sorted(measured.items()):
        ratio = _shown(experiment, candidate)
        if ratio is not None:
            judged = Verdict(experiment["comparisons"][candidate]["verdict"])
            points.append(Point(value, **ratio, judged=judged))
    return points


def _shown(experiment: Mapping[str, Any], candidate: str) -> dict[str, float] | None:
    """The ratio of the medians, where the experiment says anything."""
    comparison = experiment.get("comparisons", {}).get(candidate)
    if comparison is None or experiment["verdict"] == Verdict.INVALID:
        return None
    return {name: comparison["p50"][name] for name in ("estimate", "low", "high")}


def _entry(value: int, experiment: Mapping[str, Any], candidate: str) -> dict[str, object]:
    arms = experiment.get("arms", {})
    return {
        "value": value,
        "arms": {name: {"p50_ms": arm["p50_ms"]} for name, arm in arms.items()},
        "ratio": _shown(experiment, candidate),
        "verdict": experiment["verdict"],
        "reason": experiment["reason"],
    }


def _ratio(place: BreakEven) -> dict[str, float]:
    return {"estimate": place.estimate, "low": place.low, "high": place.high}
