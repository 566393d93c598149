"""A whole run: experiments one after the other, and all of them as one bundle."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console

from loadgen.evidence.bundle import Bundle
from loadgen.experiment.arms import MetricsPage, Subject, technique_subject
from loadgen.experiment.conduct import Settings, conduct
from loadgen.experiment.machine import fingerprint, git_revision
from loadgen.experiment.workload import draw_inputs
from loadgen.report.live import LiveView
from loadgen.sending.connection import Address
from services.contract import Technique


async def run_techniques(
    techniques: Sequence[Technique],
    addresses: Mapping[str, Address],
    services: Mapping[str, Address],
    variants: Mapping[str, Sequence[str]],
    settings: Settings,
    console: Console,
) -> Bundle:
    """Requests go to `addresses`; what the services counted is read from `services`.

    Raises RequestFailed when one of them does not answer the first questions.
    """
    subjects = []
    for technique in techniques:
        address = addresses[technique.name]
        inputs = await draw_inputs(technique, address, settings.seed, settings.timeout)
        metrics = MetricsPage(services[technique.name])
        names = variants[technique.name]
        subjects.append(technique_subject(technique, inputs, address, metrics, names))
    return await run_subjects(subjects, settings, console)


async def run_subjects(subjects: Sequence[Subject], settings: Settings, console: Console) -> Bundle:
    """In their order, all loaded alike. Raises RequestFailed."""
    return await run_each([(subject, settings) for subject in subjects], settings, console)


async def run_each(
    planned: Sequence[tuple[Subject, Settings]], settings: Settings, console: Console
) -> Bundle:
    """Each with its own settings; the bundle keeps those that they have in common."""
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    seconds = sum(each.seconds(len(subject.arms)) for subject, each in planned)
    with LiveView(console, seconds) as view:
        experiments = [await conduct(subject, each, view) for subject, each in planned]
    return Bundle(
        measured_at=measured_at,
        git_revision=git_revision(),
        machine=fingerprint(),
        settings=settings.as_document(),
        experiments=tuple(experiments),
    )
