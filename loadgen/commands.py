"""What each action of the command line does; every one returns an exit code."""

import argparse
import asyncio
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from rich.console import Console

from loadgen.driving.drive import drive
from loadgen.evidence.bundle import Bundle, latencies_by_arm
from loadgen.evidence.bundle_merge import merge
from loadgen.evidence.bundle_reader import read_bundle
from loadgen.evidence.bundle_writer import check_place, write_bundle
from loadgen.experiment import ab
from loadgen.experiment.conduct import Settings
from loadgen.experiment.run import run_subjects, run_techniques
from loadgen.experiment.sweep import parse_sweep, run_sweep
from loadgen.experiment.workload import with_constants
from loadgen.judgement import Judgement, SweepJudgements, encode
from loadgen.judging.change import compare
from loadgen.judging.judge import judge, judge_sweep
from loadgen.judging.objective import Objective, check
from loadgen.report.files import sweeps_below, write_reports
from loadgen.report.terminal import change_lines, terminal
from loadgen.sending.connection import Address
from services import settings as lab
from services.catalog import BY_NAME, TECHNIQUES, upstreams
from services.contract import Technique

EXIT_UNUSABLE = 2
EXIT_ANSWERS_DIFFER = 3
EXIT_INVALID = 4
EXIT_MISSED = 5
#: A file or a pipe has no width of its own.
_FILE_COLUMNS = 120

Returned = TypeVar("Returned")


def run(arguments: argparse.Namespace) -> int:
    addresses, services = _places(arguments.target)
    techniques = _set(_chosen(arguments.technique), arguments.set)
    variants = {each.name: _variants(each, arguments.variant) for each in techniques}
    settings = _settings(arguments)
    _prepare(arguments.output)
    bundle = _await(
        run_techniques(techniques, addresses, services, variants, settings, _progress())
    )
    return _finish(bundle, arguments.output, arguments.slo)


def sweep(arguments: argparse.Namespace) -> int:
    """One technique, or all of them in turn; the exit code is the worst."""
    if arguments.technique:
        return _sweep(BY_NAME[arguments.technique], arguments, arguments.output)
    if arguments.parameter or arguments.set or arguments.variant != "optimized":
        raise ValueError("--parameter, --set and --variant are one technique's: name it")
    return max(_sweep(each, arguments, _below(arguments.output, each)) for each in TECHNIQUES)


def _below(output: Path | None, technique: Technique) -> Path | None:
    return output / technique.name if output else None


def _sweep(technique: Technique, arguments: argparse.Namespace, output: Path | None) -> int:
    (technique,) = _set([technique], arguments.set)
    variant, *others = _variants(technique, [arguments.variant])
    if others:
        raise ValueError("a sweep compares one variant with naive: name it")
    chosen = parse_sweep(arguments.parameter, technique) if arguments.parameter else technique.sweep
    addresses, services = _places(arguments.target)
    settings = _settings(arguments)
    _prepare(output)
    places = addresses[technique.name], services[technique.name]
    bundle = _await(run_sweep(technique, variant, chosen, *places, settings, _progress()))
    return _finish(bundle, output, arguments.slo)


def compare_urls(arguments: argparse.Namespace) -> int:
    defaults = ab.Question(
        "", "", arguments.method, ab.headers_of(arguments.header), arguments.body
    )
    questions = _questions(arguments, defaults)
    metrics = ab.metrics_of(arguments.metrics)
    subject = ab.subject(questions, metrics, arguments.different_answers)
    settings = _settings(arguments)
    _prepare(arguments.output)
    bundle = _await(run_subjects([subject], settings, _progress()))
    return _finish(bundle, arguments.output, arguments.slo)


def drive_without_end(arguments: argparse.Namespace) -> int:
    addresses, _ = _places(arguments.target)
    drive(addresses, arguments.seed, lab.load_settings())
    return 0


def report(arguments: argparse.Namespace) -> int:
    bundle = read_bundle(arguments.bundle)
    judgement = judge(bundle)
    swept = sweeps_below(arguments.sweeps) if arguments.sweeps else None
    _write_reports(arguments.output or arguments.bundle, bundle, judgement, swept)
    _print(bundle, judgement)
    return _exit_code(judgement, ())


def judge_again(arguments: argparse.Namespace) -> int:
    judgement = judge(read_bundle(arguments.bundle))
    sys.stdout.buffer.write(encode(judgement))
    return _exit_code(judgement, arguments.slo)


def merge_bundles(arguments: argparse.Namespace) -> int:
    bundle = merge([read_bundle(folder) for folder in arguments.bundles])
    return _finish(bundle, arguments.output, ())


def compare_runs(arguments: argparse.Namespace) -> int:
    found = compare(read_bundle(arguments.old), read_bundle(arguments.new))
    for line in change_lines(found):
        print(line)  # noqa: T201 - what the command is for
    return EXIT_MISSED if found.regressed else 0


#: By the name of the action.
COMMANDS = {
    "run": run,
    "sweep": sweep,
    "ab": compare_urls,
    "drive": drive_without_end,
    "report": report,
    "judge": judge_again,
    "merge": merge_bundles,
    "compare": compare_runs,
}


def _places(target: Address | None) -> tuple[dict[str, Address], dict[str, Address]]:
    """Where requests go, and where the services themselves are. Raises ValueError."""
    known = upstreams(lab.load_settings().upstreams)
    services = {name: Address.parse(url) for name, url in known.items()}
    return (dict.fromkeys(BY_NAME, target) if target else services), services


def _chosen(names: Sequence[str] | None) -> list[Technique]:
    """In the catalog's order, each once, all when none is named."""
    return [technique for technique in TECHNIQUES if not names or technique.name in names]


def _set(techniques: list[Technique], texts: Sequence[str]) -> list[Technique]:
    """Raises ValueError when the one technique that must be meant has no such parameter."""
    if not texts:
        return techniques
    if len(techniques) != 1:
        raise ValueError("--set is one technique's: name it")
    return [with_constants(techniques[0], texts)]


def _variants(technique: Technique, named: Sequence[str] | None) -> list[str]:
    """Those to compare naive with. Raises ValueError when the technique has none of them."""
    others = [name for name in technique.variant_names() if name != "naive"]
    wanted = set(named or ("optimized",))
    chosen = [name for name in others if name in wanted or "all" in wanted]
    if not chosen:
        there = ", ".join(others)
        raise ValueError(f"{technique.name} has no variant {min(wanted)!r}, but {there}")
    return chosen


def _questions(arguments: argparse.Namespace, defaults: ab.Question) -> list[ab.Question]:
    if arguments.pairs and not arguments.urls:
        return ab.read_questions(arguments.pairs, defaults)
    if arguments.pairs or len(arguments.urls) != 2:
        raise ValueError("name two URLs, or a file of them with --pairs")
    a, b = arguments.urls
    return [replace(defaults, a=a, b=b)]


def _settings(arguments: argparse.Namespace) -> Settings:
    """Raises ValueError when that is no load."""
    settings = Settings(
        iterations=arguments.iterations,
        concurrency=arguments.concurrency,
        duration=arguments.duration,
        seed=arguments.seed,
        rate=arguments.rate,
        arrivals=arguments.arrivals,
        stages=arguments.stages,
        link=arguments.link,
        link_latency=arguments.link_latency,
    )
    settings.attack()
    return settings


def _prepare(output: Path | None) -> None:
    """Find out now, not after a minute of measuring, that nothing can be written there."""
    if output:
        with _into(output):
            check_place(output)


def _await(work: Coroutine[Any, Any, Returned]) -> Returned:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _progress() -> Console:
    return Console(stderr=True)


def _finish(bundle: Bundle, output: Path | None, objectives: Sequence[Objective]) -> int:
    """Keep the evidence first: whatever is said of it can be said again."""
    judgement = judge(bundle)
    if output:
        with _into(output):
            write_bundle(output, bundle)
    _print(bundle, judgement)
    if output:
        _write_reports(output, bundle, judgement)
    return _exit_code(judgement, objectives)


@contextmanager
def _into(folder: Path) -> Iterator[None]:
    """A full disk does not say of itself where it is."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error


def _print(bundle: Bundle, judgement: Judgement) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_COLUMNS)
    console.print(terminal(judgement, judge_sweep(bundle, judgement)))


def _write_reports(
    folder: Path, bundle: Bundle, judgement: Judgement, swept: SweepJudgements | None = None
) -> None:
    """With the bundle's own sweep if it is one, else with these."""
    sweeps = judge_sweep(bundle, judgement) or swept
    with _into(folder):
        paths = write_reports(folder, judgement, latencies_by_arm(bundle), sweeps)
    Console(stderr=True).print(f"wrote {len(paths)} reports into {folder}", soft_wrap=True)


def _exit_code(judgement: Judgement, objectives: Sequence[Objective]) -> int:
    if not all(each.answers_equal for each in judgement.experiments.values()):
        return EXIT_ANSWERS_DIFFER
    if any(each.is_invalid for each in judgement.experiments.values()):
        return EXIT_INVALID
    results = check(objectives, judgement)
    for result in results:
        print(result.line, file=sys.stderr)  # noqa: T201 - what was asked for
    return 0 if all(result.met for result in results) else EXIT_MISSED
