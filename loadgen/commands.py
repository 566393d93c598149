"""The actions of the command line. Each returns an exit code; `arguments` has the options."""

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

from loadgen.driving.driver import drive
from loadgen.evidence.bundle import Bundle, latencies_by_arm
from loadgen.evidence.bundle_merge import merge
from loadgen.evidence.bundle_reader import read_bundle
from loadgen.evidence.bundle_writer import check_place, write_bundle
from loadgen.experiment.inputs import with_constants
from loadgen.experiment.load_options import LoadOptions
from loadgen.experiment.series import run_subjects, run_techniques
from loadgen.experiment.sweep import parse_sweep, run_sweep
from loadgen.experiment.url_pair import (
    UrlPair,
    parse_headers,
    parse_metrics,
    read_url_pairs,
    url_subject,
)
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
#: An objective was missed, or a run is slower than an earlier one.
EXIT_MISSED = 5
#: Width of the output to a file or a pipe.
_FILE_COLUMNS = 120

Returned = TypeVar("Returned")


def run(arguments: argparse.Namespace) -> int:
    addresses, services = _addresses(arguments.target)
    techniques = _with_constants(_techniques(arguments.technique), arguments.set)
    variants = {each.name: _variants(each, arguments.variant) for each in techniques}
    options = _options(arguments)
    _prepare(arguments.output)
    bundle = _await(run_techniques(techniques, addresses, services, variants, options, _progress()))
    return _finish(bundle, arguments.output, arguments.slo)


def sweep(arguments: argparse.Namespace) -> int:
    """Sweep one technique or all of them. Returns the highest exit code."""
    if arguments.technique:
        return _sweep(BY_NAME[arguments.technique], arguments, arguments.output)
    if arguments.parameter or arguments.set or arguments.variant != "optimized":
        raise ValueError(
            "--parameter, --set and --variant need one technique: add its name after `sweep`"
        )
    output: Path | None = arguments.output
    return max(
        _sweep(each, arguments, output / each.name if output else None) for each in TECHNIQUES
    )


def _sweep(technique: Technique, arguments: argparse.Namespace, output: Path | None) -> int:
    (technique,) = _with_constants([technique], arguments.set)
    variant, *others = _variants(technique, [arguments.variant])
    if others:
        raise ValueError(
            "a sweep compares naive with one variant: give its name with --variant, not `all`"
        )
    parsed = parse_sweep(arguments.parameter, technique) if arguments.parameter else technique.sweep
    addresses, services = _addresses(arguments.target)
    options = _options(arguments)
    _prepare(output)
    places = addresses[technique.name], services[technique.name]
    bundle = _await(run_sweep(technique, variant, parsed, *places, options, _progress()))
    return _finish(bundle, output, arguments.slo)


def compare_urls(arguments: argparse.Namespace) -> int:
    headers = parse_headers(arguments.header)
    defaults = UrlPair("", "", arguments.method, headers, arguments.body)
    pairs = _url_pairs(arguments, defaults)
    metrics = parse_metrics(arguments.metrics)
    subject = url_subject(pairs, metrics, arguments.different_answers)
    options = _options(arguments)
    _prepare(arguments.output)
    bundle = _await(run_subjects([subject], options, _progress()))
    return _finish(bundle, arguments.output, arguments.slo)


def drive_without_end(arguments: argparse.Namespace) -> int:
    addresses, _ = _addresses(arguments.target)
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
    comparison = compare(read_bundle(arguments.old), read_bundle(arguments.new))
    for line in change_lines(comparison):
        print(line)  # noqa: T201 - the output of the command
    return EXIT_MISSED if comparison.regressed else 0


#: The actions by name.
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


def _addresses(target: Address | None) -> tuple[dict[str, Address], dict[str, Address]]:
    """Two addresses by technique: where requests go, and the service itself. Raises ValueError."""
    urls = upstreams(lab.load_settings().upstreams)
    services = {name: Address.parse(url) for name, url in urls.items()}
    return (dict.fromkeys(BY_NAME, target) if target else services), services


def _techniques(names: Sequence[str] | None) -> list[Technique]:
    """The techniques with these names in the order of the catalog; all without names."""
    return [technique for technique in TECHNIQUES if not names or technique.name in names]


def _with_constants(techniques: list[Technique], texts: Sequence[str]) -> list[Technique]:
    """Apply --set. Raises ValueError unless there is one technique with this parameter."""
    if not texts:
        return techniques
    if len(techniques) != 1:
        raise ValueError("--set needs one technique: choose it with --technique")
    return [with_constants(techniques[0], texts)]


def _variants(technique: Technique, named: Sequence[str] | None) -> list[str]:
    """The variants to compare with naive. Raises ValueError if the technique has none of them."""
    others = [name for name in technique.variant_names() if name != "naive"]
    wanted = set(named or ("optimized",))
    chosen = [name for name in others if name in wanted or "all" in wanted]
    if not chosen:
        raise ValueError(
            f"{technique.name} has no variant {min(wanted)!r}: use {', '.join(others)}"
        )
    return chosen


def _url_pairs(arguments: argparse.Namespace, defaults: UrlPair) -> list[UrlPair]:
    if arguments.pairs and not arguments.urls:
        return read_url_pairs(arguments.pairs, defaults)
    if arguments.pairs or len(arguments.urls) != 2:
        raise ValueError("write two URLs, or name a file with pairs of URLs after --pairs")
    a, b = arguments.urls
    return [replace(defaults, a=a, b=b)]


def _options(arguments: argparse.Namespace) -> LoadOptions:
    """Raises ValueError for a load that cannot be sent."""
    options = LoadOptions(
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
    options.attack()
    return options


def _prepare(output: Path | None) -> None:
    """Fail before the measurement if the output folder cannot be written."""
    if output:
        with _into(output):
            check_place(output)


def _await(work: Coroutine[Any, Any, Returned]) -> Returned:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _progress() -> Console:
    return Console(stderr=True)


def _finish(bundle: Bundle, output: Path | None, objectives: Sequence[Objective]) -> int:
    """Store the evidence first: it cannot be recomputed, unlike the judgement and the reports."""
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
    """Add the folder to an OSError: the error of a full disk has no path."""
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
    """Write the reports with the bundle's own sweep, or else with `swept`."""
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
        print(result.line, file=sys.stderr)  # noqa: T201 - the output of --slo
    return 0 if all(result.met for result in results) else EXIT_MISSED
