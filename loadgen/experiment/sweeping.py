"""A sweep as experiments: one for each value, all in one bundle, and read back from there."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from rich.console import Console

from loadgen.evidence.bundle import Bundle
from loadgen.experiment.inputs import draw_inputs
from loadgen.experiment.load_options import LoadOptions
from loadgen.experiment.series import run_series
from loadgen.experiment.subject import MetricsPage, Subject, technique_subject
from loadgen.experiment.sweep import Step, document, steps
from loadgen.sending.connection import Address
from services.catalog import BY_NAME
from services.contract import Sweep, Technique


async def run_sweep(
    technique: Technique,
    variant: str,
    sweep: Sweep,
    address: Address,
    service: Address,
    settings: LoadOptions,
    console: Console,
) -> Bundle:
    """Naive against the variant.

    Raises RequestFailed when the service does not answer the first questions.
    """
    planned = []
    for step in steps(technique, sweep):
        inputs = await draw_inputs(step.technique, address, settings.seed, settings.timeout)
        metrics = MetricsPage(service)
        subject = technique_subject(step.technique, inputs, address, metrics, [variant])
        planned.append((_named(subject, sweep, step), _loaded(settings, step)))
    bundle = await run_series(planned, settings, console)
    kept = {"technique": technique.name, **_kept(sweep)}
    return replace(bundle, settings={**bundle.settings, "sweep": kept})


def _named(subject: Subject, sweep: Sweep, step: Step) -> Subject:
    """With the value in its name, by which it is found again."""
    value = f"{sweep.parameter}={step.value}"
    return replace(subject, name=f"{subject.name} {value}", title=f"{subject.title}, {value}")


def _loaded(settings: LoadOptions, step: Step) -> LoadOptions:
    return replace(
        settings,
        concurrency=step.concurrency or settings.concurrency,
        link=step.link_bits_per_second or settings.link,
        link_latency=step.link_latency_seconds or settings.link_latency,
    )


def _kept(sweep: Sweep) -> dict[str, Any]:
    every = asdict(sweep)
    return {name: every[name] for name in ("parameter", "values", "description")}


def sweeps_of(bundle: Bundle, judged: Mapping[str, Any]) -> dict[str, Any] | None:
    """The sweep that the bundle holds, as its reports want it; None where it is no sweep."""
    kept = bundle.settings.get("sweep")
    if kept is None:
        return None
    sweep = Sweep(kept["parameter"], tuple(kept["values"]), kept["description"])
    measured = {
        value: judged["experiments"][f"{kept['technique']} {sweep.parameter}={value}"]
        for value in sweep.values
    }
    return {BY_NAME[kept["technique"]].name: document(sweep, measured)}
