"""Service level objectives such as `--slo 'optimized.p99<20ms'`, checked against a judgement."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from loadgen.judgement import ExperimentJudgement, Figures, Judgement

#: Factors from the accepted units to the unit of `Figures`, by quantity.
_TIMES = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_UNITS: dict[str, dict[str, float]] = {
    **dict.fromkeys(("p50", "p95", "p99", "mean"), _TIMES),
    "throughput": {"": 1.0, "/s": 1.0},
    "errors": {"%": 0.01},
}
#: Bounded from below; all other quantities are bounded from above.
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
    """Whether an experiment meets an objective, and the line that reports it."""

    met: bool
    line: str


def parse_objective(text: str) -> Objective:
    """From text such as `optimized.p99<20ms`. Raises ValueError that names the accepted form."""
    match = _TEXT.fullmatch(text.strip())
    if not match:
        raise ValueError(
            f"{text!r} is no objective like optimized.p99<20ms, optimized.throughput>500"
            " or naive.errors<0.1%"
        )
    arm, quantity, sign, number, unit = match.groups()
    if quantity not in _UNITS:
        raise ValueError(f"{text!r}: unknown quantity {quantity!r}; use {', '.join(_UNITS)}")
    expected = ">" if quantity in _MORE_IS_BETTER else "<"
    if sign != expected:
        raise ValueError(f"{text!r}: a bound on {quantity} is written with {expected}")
    if unit not in _UNITS[quantity]:
        units = ", ".join(each or "none" for each in _UNITS[quantity])
        raise ValueError(f"{text!r}: the unit of {quantity} is one of: {units}")
    return Objective(text.strip(), arm, quantity, float(number) * _UNITS[quantity][unit])


def check(objectives: Sequence[Objective], judgement: Judgement) -> list[Result]:
    """Each objective against each experiment with its arm. Without such an experiment it is missed.

    An invalid experiment meets no objective, since its figures cannot be trusted.
    """
    results: list[Result] = []
    for objective in objectives:
        concerned = {
            name: each
            for name, each in judgement.experiments.items()
            if each.is_invalid or objective.arm in each.arms
        }
        results += [_result(objective, name, each) for name, each in concerned.items()]
        if not concerned:
            results.append(Result(False, f"missed: {objective.text}: no experiment has this arm"))
    return results


def _result(objective: Objective, name: str, experiment: ExperimentJudgement) -> Result:
    if experiment.is_invalid:
        return Result(False, f"missed: {name}: {objective.text}: invalid: {experiment.reason}")
    figures = experiment.arms[objective.arm]
    met = objective.is_met_by(figures)
    value = _written(objective.quantity, _value(figures, objective.quantity))
    return Result(met, f"{'met' if met else 'missed'}: {name}: {objective.text}: {value}")


def _value(figures: Figures, quantity: str) -> float:
    if quantity == "throughput":
        return figures.requests_per_second
    if quantity == "errors":
        return figures.errors / (figures.requests + figures.errors)
    value: float = getattr(figures, f"{quantity}_ms")
    return value


def _written(quantity: str, value: float) -> str:
    if quantity == "errors":
        return f"{value * 100:.3g} %"
    return f"{value:.1f}/s" if quantity == "throughput" else f"{value:.4g} ms"
