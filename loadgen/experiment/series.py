"""Run several experiments one after another and collect them in one bundle."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console

from loadgen.evidence.bundle import Bundle
from loadgen.experiment.inputs import draw_inputs
from loadgen.experiment.load_options import LoadOptions
from loadgen.experiment.machine import fingerprint, git_revision
from loadgen.experiment.measurement import measure
from loadgen.experiment.subject import MetricsPage, Subject, technique_subject
from loadgen.report.live import LiveView
from loadgen.sending.connection import Address
from services.contract import Technique


async def run_techniques(
    techniques: Sequence[Technique],
    addresses: Mapping[str, Address],
    services: Mapping[str, Address],
    variants: Mapping[str, Sequence[str]],
    options: LoadOptions,
    console: Console,
) -> Bundle:
    """Compare the variants of each technique with naive.

    Requests go to `addresses`, perhaps a gateway; counters are read from `services` directly.
    Raises RequestFailed if a service does not respond to the first requests.
    """
    subjects = []
    for technique in techniques:
        address = addresses[technique.name]
        inputs = await draw_inputs(technique, address, options.seed, options.timeout)
        metrics = MetricsPage(services[technique.name])
        names = variants[technique.name]
        subjects.append(technique_subject(technique, inputs, address, metrics, names))
    return await run_subjects(subjects, options, console)


async def run_subjects(
    subjects: Sequence[Subject], options: LoadOptions, console: Console
) -> Bundle:
    """Measure the subjects with the same options. Raises RequestFailed."""
    return await run_series([(subject, options) for subject in subjects], options, console)


async def run_series(
    planned: Sequence[tuple[Subject, LoadOptions]], options: LoadOptions, console: Console
) -> Bundle:
    """Measure each subject with its own options. The bundle stores the common `options`."""
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    seconds = sum(each.seconds(len(subject.arms)) for subject, each in planned)
    with LiveView(console, seconds) as view:
        experiments = [await measure(subject, each, view) for subject, each in planned]
    return Bundle(
        measured_at=measured_at,
        git_revision=git_revision(),
        machine=fingerprint(),
        settings=options.as_document(),
        experiments=tuple(experiments),
    )
