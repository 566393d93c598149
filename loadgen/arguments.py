"""The command line's words: every option once, with its bounds."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

from loadgen import quantities
from loadgen.judging.estimate import MINIMUM_PAIRS
from loadgen.judging.objective import parse_objective
from loadgen.sending.connection import Address
from loadgen.sending.link import Link
from loadgen.sending.pacer import parse_stages
from services.catalog import BY_NAME

Parsed = TypeVar("Parsed")
# argparse has no public name for it.
Actions: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001

_EXIT_CODES = (
    "Exit code: 0 measured, 2 unusable input or no answer, 3 the answers differ, 4 invalid: the run"
    " says nothing about speed, 5 an --slo was missed or a regression found."
)


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="loadgen",
        description="Measure two or more ways to answer against each other, over HTTP.",
        epilog=_EXIT_CODES,
    )
    actions = result.add_subparsers(dest="action", required=True)
    _add_run(actions)
    _add_sweep(actions)
    _add_ab(actions)
    _add_drive(actions)
    _add_evidence(actions)
    return result


def _action(actions: Actions, name: str, text: str, more: str = "") -> argparse.ArgumentParser:
    description = f"{text} {more}".strip()
    action: argparse.ArgumentParser = actions.add_parser(
        name, help=text, description=description, epilog=_EXIT_CODES
    )
    return action


def _add_run(actions: Actions) -> None:
    run = _action(
        actions,
        "run",
        "Measure the lab's techniques: naive against optimized.",
        "Blocks of both, and of naive once more as a control, run in a random interleaved order,"
        " after checking that they answer the same. The speed-up is the ratio of the blocks'"
        " medians with a 95 %% interval over the pairs; what the control differs by is the noise"
        " floor.",
    )
    _add_lab(run)
    run.add_argument(
        "--technique",
        action="append",
        choices=tuple(BY_NAME),
        metavar="NAME",
        help=f"may be repeated; default: all of {', '.join(BY_NAME)}",
    )
    run.add_argument(
        "--variant",
        action="append",
        metavar="NAME",
        help="compare this variant with naive; may be repeated, `all` means every one;"
        " default: optimized",
    )
    _add_set(run)
    _add_load(run, iterations=8)
    _add_output(run)


def _add_sweep(actions: Actions) -> None:
    sweep = _action(
        actions,
        "sweep",
        "Measure a technique at several values of one parameter, and find where it breaks even.",
    )
    sweep.add_argument(
        "technique",
        nargs="?",
        choices=tuple(BY_NAME),
        metavar="TECHNIQUE",
        help="default: all in turn, each into a folder of its own below --output",
    )
    sweep.add_argument(
        "--parameter",
        metavar="NAME=V1,V2,…",
        help="default: the technique's own sweep, which has a region where it does not pay",
    )
    sweep.add_argument(
        "--variant",
        default="optimized",
        metavar="NAME",
        help="compare this variant with naive; default: %(default)s",
    )
    _add_set(sweep)
    _add_lab(sweep)
    _add_load(sweep, iterations=6)
    _add_output(sweep)


def _add_ab(actions: Actions) -> None:
    ab = _action(
        actions,
        "ab",
        "Measure any two HTTP endpoints against each other: your own routes, before and after.",
    )
    ab.add_argument("urls", nargs="*", metavar="URL_A URL_B", help="A is the baseline")
    ab.add_argument(
        "--pairs",
        type=Path,
        metavar="FILE",
        help="pairs of URLs to ask in turn: a line each, `URL_A URL_B`, or JSON with a, b, method,"
        " headers and body",
    )
    ab.add_argument("--method", default="GET", help="default %(default)s")
    ab.add_argument(
        "--header", action="append", default=[], metavar="'NAME: VALUE'", help="may be repeated"
    )
    ab.add_argument("--body", default="", metavar="TEXT", help="sent with every request")
    ab.add_argument(
        "--metrics",
        action="append",
        default=[],
        metavar="[A=|B=]URL",
        help="a page in Prometheus's format: what the server counted explains the figures",
    )
    ab.add_argument(
        "--different-answers",
        action="store_true",
        help="do not ask whether both answer the same: compare them all the same",
    )
    ab.add_argument("--seed", type=whole(0), default=1, help="default %(default)s")
    _add_load(ab, iterations=8)
    _add_output(ab)


def _add_drive(actions: Actions) -> None:
    drive = _action(
        actions, "drive", "Load without end, for the dashboards; told what to do over HTTP."
    )
    _add_lab(drive)


def _add_evidence(actions: Actions) -> None:
    report = _action(actions, "report", "Write the reports of a bundle anew.")
    report.add_argument("bundle", type=Path)
    report.add_argument("--output", type=Path, metavar="DIR", help="default: beside the evidence")
    report.add_argument(
        "--sweeps", type=Path, metavar="DIR", help="with the curves of the sweeps below this folder"
    )
    judge = _action(actions, "judge", "Compute the judgement of a bundle anew, as JSON.")
    judge.add_argument("bundle", type=Path)
    _add_objectives(judge)
    merge = _action(actions, "merge", "Add up what generators measured side by side.")
    merge.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE")
    merge.add_argument("--output", type=Path, metavar="DIR", required=True)
    compare = _action(actions, "compare", "Tell what became of each arm since an earlier run.")
    compare.add_argument("old", type=Path)
    compare.add_argument("new", type=Path)


def _add_lab(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--target",
        type=_as_argument(Address.parse),
        metavar="URL",
        help="send everything to this address, a gateway's say; default: each service itself,"
        " on its usual port or where LAB_UPSTREAMS says",
    )
    action.add_argument("--seed", type=whole(0), default=1, help="default %(default)s")


def _add_set(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="send this in every request of the one technique; may be repeated; default: what its"
        " workload draws",
    )


def _add_load(action: argparse.ArgumentParser, iterations: int) -> None:
    action.add_argument(
        "--iterations",
        type=whole(MINIMUM_PAIRS),
        default=iterations,
        metavar="N",
        help=f"blocks of each arm, at least {MINIMUM_PAIRS}; default %(default)s",
    )
    action.add_argument(
        "--duration",
        type=_seconds,
        default=0.5,
        metavar="SECONDS",
        help="length of a block; it ends when its last answer is in; default %(default)s",
    )
    _add_pace(action)
    _add_link(action)


def _add_pace(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--concurrency",
        type=whole(1),
        default=4,
        metavar="N",
        help="closed loop: so many clients, each waiting for its answer; default %(default)s",
    )
    action.add_argument(
        "--rate",
        type=_rate,
        metavar="R",
        help="open loop instead: so many requests a second, whatever comes back; latency counts"
        " from the instant at which a request was to be sent",
    )
    action.add_argument(
        "--arrivals",
        choices=("constant", "poisson"),
        default="constant",
        help="of an open loop; default %(default)s",
    )
    action.add_argument(
        "--stages",
        type=_as_argument(parse_stages),
        default=(),
        metavar="10s:100,30s:500",
        help="a block goes through these: seconds, and clients or, with --rate, requests a second",
    )


def _add_link(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--link",
        type=_as_argument(_bits_per_second),
        metavar="10mbit",
        help="read bodies no faster than a line of this speed, shared by all, would bring them",
    )
    action.add_argument(
        "--link-latency",
        type=_as_argument(quantities.seconds),
        default=0.0,
        metavar="20ms",
        help="and so much later",
    )


def _add_output(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="keep the evidence there, with reports as HTML, Markdown, CSV and JSON",
    )
    _add_objectives(action)


def _add_objectives(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--slo",
        type=_as_argument(parse_objective),
        action="append",
        default=[],
        metavar="'optimized.p99<20ms'",
        help="exit 5 where an arm does not keep it; may be repeated",
    )


class whole:  # noqa: N801 - reads as a word in the declarations above
    """An argument type: a whole number from `minimum` to a million."""

    def __init__(self, minimum: int) -> None:
        self._minimum = minimum

    def __call__(self, text: str) -> int:
        if not text.isascii() or not text.isdigit() or not self._minimum <= int(text) <= 10**6:
            raise argparse.ArgumentTypeError(
                f"{text!r} is no whole number from {self._minimum} to 1000000"
            )
        return int(text)


def _number(text: str, least: float, most: float, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is no {what} from {least:g} to {most:g}")
    return number


def _seconds(text: str) -> float:
    return _number(text, 0.01, 3600, "number of seconds")


def _rate(text: str) -> float:
    return _number(text, 0.1, 1e6, "rate")


def _bits_per_second(text: str) -> float:
    """Raises ValueError when it is no link that carries anything."""
    return Link.parse(text).bits_per_second


def _as_argument(parse: Callable[[str], Parsed]) -> Callable[[str], Parsed]:
    """A parser that raises ValueError, as argparse wants it: with its message, and not without."""

    def argument(text: str) -> Parsed:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return argument
