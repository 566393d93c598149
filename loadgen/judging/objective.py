"""`--slo 'optimized.p99<20ms'`: what an arm is to keep, as a person writes it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from loadgen.judgement import ExperimentJudgement, Figures, Judgement

#: In which units each quantity may be told, and what of the figures' own unit each of them is.
_TIMES = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_UNITS: dict[str, dict[str, float]] = {
    **dict.fromkeys(("p50", "p95", "p99", "mean"), _TIMES),
    "throughput": {"": 1.0, "/s": 1.0},
    "errors": {"%": 0.01},
}
#: Which way is better, of all other quantities "<".
_MORE_IS_BETTER = ("throughput",)
_TEXT = re.compile(
    r"(?P<arm>[A-Za-z0-9_-]+)\.(?P<quantity>[a-z0-9]+)\s*(?P<sign>[<>])\s*"
    r"(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>[a-z/%]*)"
)


@dataclass(frozen=True, slots=True)
class Objective:
    """A bound on a quantity of an arm: latency in ms, errors as a share, throughput in 1/s."""

    text: str
    arm: str
    quantity: str
    bound: float

    def is_met_by(self, figures: Figures) -> bool:
        value = _value(figures, self.quantity)
        return value > self.bound if self.quantity in _MORE_IS_BETTER else value < self.bound


@dataclass(frozen=True, slots=True)
class Result:
    """An objective held against one experiment, and the line that says so."""

    met: bool
    line: str


def parse_objective(text: str) -> Objective:
    """From text such as `optimized.p99<20ms`. Raises ValueError saying what would be right."""
    match = _TEXT.fullmatch(text.strip())
    if not match:
        raise ValueError(
            f"{text!r} is no objective like optimized.p99<20ms, optimized.throughput>500"
            " or naive.errors<0.1%"
        )
    arm, quantity, sign, number, unit = match.groups()
    if quantity not in _UNITS:
        raise ValueError(f"{text!r}: {quantity!r} is none of {', '.join(_UNITS)}")
    wanted = ">" if quantity in _MORE_IS_BETTER else "<"
    if sign != wanted:
        raise ValueError(f"{text!r}: {quantity} is to be {wanted} a bound")
    if unit not in _UNITS[quantity]:
        units = ", ".join(each or "none" for each in _UNITS[quantity])
        raise ValueError(f"{text!r}: the unit of {quantity} is one of: {units}")
    return Objective(text.strip(), arm, quantity, float(number) * _UNITS[quantity][unit])


def check(objectives: Sequence[Objective], judgement: Judgement) -> list[Result]:
    """Each objective against each experiment that has its arm; one that none has is missed."""
    results: list[Result] = []
    for objective in objectives:
        having = {
            name: each
            for name, each in judgement.experiments.items()
            if objective.arm in each.arms or each.is_invalid
        }
        results += [_result(objective, name, each) for name, each in having.items()]
        if not having:
            results.append(Result(False, f"missed: {objective.text}: no experiment has this arm"))
    return results


def _result(objective: Objective, name: str, judged: ExperimentJudgement) -> Result:
    """An invalid experiment keeps nothing: its figures are not to be believed."""
    figures = judged.arms.get(objective.arm)
    if judged.is_invalid or figures is None:
        return Result(False, f"missed: {name}: {objective.text}: invalid: {judged.reason}")
    met = objective.is_met_by(figures)
    found = _told(objective.quantity, _value(figures, objective.quantity))
    return Result(met, f"{'met' if met else 'missed'}: {name}: {objective.text}: {found}")


def _value(figures: Figures, quantity: str) -> float:
    if quantity == "throughput":
        return figures.requests_per_second
    if quantity == "errors":
        return figures.errors / (figures.requests + figures.errors)
    value: float = getattr(figures, f"{quantity}_ms")
    return value


def _told(quantity: str, value: float) -> str:
    if quantity == "errors":
        return f"{value * 100:.3g} %"
    return f"{value:.1f}/s" if quantity == "throughput" else f"{value:.4g} ms"
