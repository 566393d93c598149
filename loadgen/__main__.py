"""The command line: `python -m loadgen run` and `python -m loadgen drive`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import uvloop
from rich.console import Console

from loadgen.connection import Address, RequestFailed
from loadgen.drive import drive
from loadgen.estimate import MINIMUM_PAIRS
from loadgen.experiment import Outcome, Settings
from loadgen.report import summary, table, write_summary
from loadgen.run import measure_all
from services.catalog import BY_NAME, TECHNIQUES, upstreams
from services.contract import Technique
from services.settings import InvalidSettings, load_settings

EXIT_UNUSABLE = 2
EXIT_ANSWERS_DIFFER = 3
EXIT_INVALID = 4
#: A file or a pipe has no width of its own.
_FILE_COLUMNS = 120


def main() -> None:
    arguments = _parser().parse_args()
    try:
        settings = load_settings()
        addresses = _addresses(arguments.target, settings.upstreams)
        if arguments.action == "drive":
            drive(addresses, arguments.seed, settings)
        else:
            sys.exit(_run(arguments, addresses))
    except (InvalidSettings, RequestFailed, ValueError, OSError) as error:
        _stop_with(error)
    except KeyboardInterrupt:
        sys.exit(130)


def _run(arguments: argparse.Namespace, addresses: dict[str, Address]) -> int:
    console = Console(stderr=True)
    settings = Settings(
        arguments.iterations, arguments.concurrency, arguments.duration, arguments.seed
    )
    if arguments.output:
        # Found out now, not after a minute of measuring.
        arguments.output.mkdir(parents=True, exist_ok=True)
    techniques = _chosen(arguments.technique)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcomes = runner.run(measure_all(techniques, addresses, settings, console))
    _print_table(outcomes)
    for outcome in outcomes:
        if outcome.reason:
            console.print(
                f"{outcome.technique.name}: {outcome.reason}", style="red", soft_wrap=True
            )
    if arguments.output:
        console.print(f"wrote {write_summary(summary(outcomes, settings), arguments.output)}")
    return _exit_code(outcomes)


def _print_table(outcomes: Sequence[Outcome]) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_COLUMNS)
    console.print("naive→optimized", style="bold")
    console.print(table(outcomes))


def _exit_code(outcomes: Sequence[Outcome]) -> int:
    if any(outcome.difference for outcome in outcomes):
        return EXIT_ANSWERS_DIFFER
    return EXIT_INVALID if any(outcome.reason for outcome in outcomes) else 0


def _chosen(names: Sequence[str] | None) -> list[Technique]:
    """In the catalog's order, each once, all when none is named."""
    return [technique for technique in TECHNIQUES if not names or technique.name in names]


def _addresses(target: str | None, overrides: dict[str, str]) -> dict[str, Address]:
    """Each service itself, or one gateway for all of them. Raises ValueError."""
    if target:
        return dict.fromkeys(BY_NAME, Address.parse(target))
    return {name: Address.parse(url) for name, url in upstreams(overrides).items()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadgen",
        description="Measure the lab's techniques: naive against optimized.",
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--target",
        metavar="URL",
        help="send everything to this address, a gateway's say; default: each service itself,"
        " on its usual port or where LAB_UPSTREAMS says",
    )
    shared.add_argument("--seed", type=_at_least(0), default=1, help="default %(default)s")
    actions = parser.add_subparsers(dest="action", required=True)
    _add_run(actions.add_parser("run", parents=[shared], help="an experiment, ending in a table"))
    actions.add_parser("drive", parents=[shared], help="load without end, for the dashboards")
    return parser


def _add_run(run: argparse.ArgumentParser) -> None:
    run.description = (
        "Runs pairs of blocks, naive and optimized, in a random interleaved order, after checking"
        " that both answer the same. The speed-up is the ratio of the two median latencies of a"
        " pair, averaged over the pairs, with a 95 % interval. Exit code: 0 measured, 2 unusable"
        " input or no answer, 3 the answers differ, 4 too many requests failed."
    )
    run.add_argument(
        "--technique",
        action="append",
        choices=tuple(BY_NAME),
        metavar="NAME",
        help=f"may be repeated; default: all of {', '.join(BY_NAME)}",
    )
    run.add_argument(
        "--iterations",
        type=_at_least(MINIMUM_PAIRS),
        default=8,
        metavar="N",
        help=f"pairs of blocks for each technique, at least {MINIMUM_PAIRS}; default %(default)s",
    )
    run.add_argument(
        "--concurrency",
        type=_at_least(1),
        default=4,
        metavar="N",
        help="clients that send at the same time; default %(default)s",
    )
    run.add_argument(
        "--duration",
        type=_seconds,
        default=0.5,
        metavar="SECONDS",
        help="length of a block; it ends when its last answer is in; default %(default)s",
    )
    run.add_argument(
        "--output", type=Path, metavar="DIR", help="write summary.json into this folder"
    )


class _at_least:  # noqa: N801 - reads as a word in the declarations above
    """An argument type: a whole number from `minimum` to a million."""

    def __init__(self, minimum: int) -> None:
        self._minimum = minimum

    def __call__(self, text: str) -> int:
        if not text.isascii() or not text.isdigit() or not self._minimum <= int(text) <= 10**6:
            raise argparse.ArgumentTypeError(
                f"{text!r} is no whole number from {self._minimum} to 1000000"
            )
        return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.01 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0.01 to 3600")
    return seconds


def _stop_with(error: Exception) -> NoReturn:
    print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the one line that a person is to read
    sys.exit(EXIT_UNUSABLE)


if __name__ == "__main__":
    main()
