"""Sweeps: one number of a technique's workload or load, varied, with an experiment for each value.

All experiments of a sweep are in one bundle. `judging/judge.py` reads them back as a curve.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console

from loadgen.evidence.bundle import Bundle, sweep_step_name
from loadgen.experiment.inputs import draw_inputs
from loadgen.experiment.load_options import LoadOptions
from loadgen.experiment.series import run_series
from loadgen.experiment.subject import MetricsPage, Subject, technique_subject
from loadgen.sending.connection import Address
from services.contract import Constant, Sweep, Technique

_MOST_VALUES = 50
_BITS_PER_MEGABIT = 1e6
_MILLISECONDS = 1e3


@dataclass(frozen=True, slots=True)
class Step:
    """One value of a sweep: the technique with its workload changed, and the load.

    None means the setting of the whole run.
    """

    value: int
    technique: Technique
    concurrency: int | None = None
    link_bits_per_second: float | None = None
    link_latency_seconds: float | None = None


def parse_sweep(text: str, technique: Technique) -> Sweep:
    """A sweep from `rows=1,10,100`. Raises ValueError that names the accepted form."""
    name, separator, listed = text.partition("=")
    name = name.strip()
    if not separator:
        raise ValueError(f"{text!r} is no sweep; write it like {_example(technique)}")
    if name not in technique.swept():
        names = ", ".join(technique.swept())
        raise ValueError(f"{technique.name} has no number {name!r} to sweep; use one of {names}")
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
    """The steps in the order of the sweep's values."""
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
            speed = _BITS_PER_MEGABIT * technique.swept()["link"].default
            latency = value / _MILLISECONDS
            return Step(value, _with(technique, draws), sweep.concurrency, speed, latency)
    draws[sweep.parameter] = Constant(value)
    return Step(value, _with(technique, draws), sweep.concurrency)


def _with(technique: Technique, draws: Mapping[str, Any]) -> Technique:
    return replace(technique, workload=replace(technique.workload, draws=draws))


async def run_sweep(
    technique: Technique,
    variant: str,
    sweep: Sweep,
    address: Address,
    service: Address,
    settings: LoadOptions,
    console: Console,
) -> Bundle:
    """Measure the variant against naive at each value of the sweep.

    Raises RequestFailed if the service does not answer the first requests.
    """
    planned = []
    for step in steps(technique, sweep):
        inputs = await draw_inputs(step.technique, address, settings.seed, settings.timeout)
        metrics = MetricsPage(service)
        subject = technique_subject(step.technique, inputs, address, metrics, [variant])
        planned.append((step_subject(subject, sweep, step), step_options(settings, step)))
    bundle = await run_series(planned, settings, console)
    return replace(bundle, settings={**bundle.settings, **sweep_settings(technique, sweep)})


def step_subject(subject: Subject, sweep: Sweep, step: Step) -> Subject:
    """The subject with the step's value in its name and title."""
    return replace(
        subject,
        name=sweep_step_name(subject.name, sweep.parameter, step.value),
        title=f"{subject.title}, {sweep.parameter}={step.value}",
    )


def step_options(settings: LoadOptions, step: Step) -> LoadOptions:
    """The load options of the run, changed by the step."""
    return replace(
        settings,
        concurrency=step.concurrency or settings.concurrency,
        link=step.link_bits_per_second or settings.link,
        link_latency=step.link_latency_seconds or settings.link_latency,
    )


def sweep_settings(technique: Technique, sweep: Sweep) -> dict[str, Any]:
    """The setting of a bundle by which judge_sweep recognizes a sweep."""
    return {
        "sweep": {
            "technique": technique.name,
            "parameter": sweep.parameter,
            "values": sweep.values,
            "description": sweep.description,
        }
    }
