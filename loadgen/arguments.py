"""The command-line options of `loadgen`, with their bounds and defaults. See `commands`."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

from loadgen import quantities
from loadgen.judging.estimate import MINIMUM_PAIRS
from loadgen.judging.objective import parse_objective
from loadgen.sending.connection import Address
from loadgen.sending.network_link import NetworkLink
from loadgen.sending.pacer import parse_stages
from services.catalog import BY_NAME

Parsed = TypeVar("Parsed")
_BUNDLE = "folder with the evidence of a run, from its --output"
# argparse has no public name for this type.
Actions: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001

_EXIT_CODES = (
    "Exit codes: 0 success; 2 wrong input, or a server is unreachable; 3 the responses of the arms"
    " differ; 4 the measurement is invalid, for example because the machine was too busy; 5 an"
    " --slo was missed, or `compare` found a regression."
)


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="loadgen",
        description="Compare the speed of HTTP endpoints, with a confidence interval for each"
        " ratio.",
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
        "First, the responses of both variants are compared. Then blocks of load run in a random"
        " interleaved order: naive, optimized, and naive once more as the control. The speed-up is"
        " the ratio of the medians of paired blocks, with a 95 % interval over the pairs. The"
        " ratio of the control is the noise floor."
        " Example: loadgen run --technique caching --output results",
    )
    _add_lab(run)
    run.add_argument(
        "--technique",
        action="append",
        choices=tuple(BY_NAME),
        metavar="NAME",
        help="measure this technique; may be repeated; default: all techniques, that is"
        f" {', '.join(BY_NAME)}",
    )
    run.add_argument(
        "--variant",
        action="append",
        metavar="NAME",
        help="compare this variant with naive; may be repeated; `all` selects every variant;"
        " default: optimized",
    )
    _add_set(run)
    _add_load(run, iterations=8)
    _add_output(run)


def _add_sweep(actions: Actions) -> None:
    sweep = _action(
        actions,
        "sweep",
        "Measure a technique at several values of a parameter and find its break-even point.",
        "Example: loadgen sweep n-plus-one --parameter posts=1,10,50",
    )
    sweep.add_argument(
        "technique",
        nargs="?",
        choices=tuple(BY_NAME),
        metavar="TECHNIQUE",
        help="default: all techniques in turn, each with a subfolder of --output",
    )
    sweep.add_argument(
        "--parameter",
        metavar="NAME=V1,V2,…",
        help="the parameter and its values; default: the technique's own sweep, which includes"
        " values for which optimized is no faster",
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
        "Compare any two HTTP endpoints, such as your own route before and after a change.",
        "Example: loadgen ab http://localhost:8001/old http://localhost:8002/new",
    )
    ab.add_argument("urls", nargs="*", metavar="URL_A URL_B", help="URL_A is the baseline")
    ab.add_argument(
        "--pairs",
        type=Path,
        metavar="FILE",
        help="read pairs of URLs from this file and request them in turn; each line is"
        " `URL_A URL_B`, or a JSON object with a, b and optionally method, headers, body",
    )
    ab.add_argument("--method", default="GET", help="HTTP method; default: %(default)s")
    ab.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="send this header with every request; may be repeated",
    )
    ab.add_argument("--body", default="", metavar="TEXT", help="send this body with every request")
    ab.add_argument(
        "--metrics",
        action="append",
        default=[],
        metavar="[A=|B=]URL",
        help="metrics page of the server in Prometheus's format; its counters show, for example,"
        " how many queries one request takes; may be repeated; without A= or B=, for both",
    )
    ab.add_argument(
        "--different-answers",
        action="store_true",
        help="measure the endpoints although their responses differ; default: exit with code 3",
    )
    _add_seed(ab)
    _add_load(ab, iterations=8)
    _add_output(ab)


def _add_drive(actions: Actions) -> None:
    drive = _action(
        actions,
        "drive",
        "Send continuous load for the dashboards, until it is stopped.",
        "GET and PUT /drive on port 8090 (LAB_PORT) show and change the load."
        " Example: curl -X PUT localhost:8090/drive -d '{\"rate\": 50}'",
    )
    _add_lab(drive)


def _add_evidence(actions: Actions) -> None:
    report = _action(actions, "report", "Write the reports of a stored bundle again.")
    report.add_argument("bundle", type=Path, help=_BUNDLE)
    report.add_argument(
        "--output", type=Path, metavar="DIR", help="folder for the reports; default: the bundle"
    )
    report.add_argument(
        "--sweeps", type=Path, metavar="DIR", help="add the curves of all sweeps below this folder"
    )
    judge = _action(
        actions, "judge", "Judge a stored bundle again and print the judgement as JSON."
    )
    judge.add_argument("bundle", type=Path, help=_BUNDLE)
    _add_objectives(judge)
    merge = _action(actions, "merge", "Merge the bundles of load generators that ran together.")
    merge.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE", help=_BUNDLE)
    merge.add_argument(
        "--output", type=Path, metavar="DIR", required=True, help="folder for the merged bundle"
    )
    compare = _action(actions, "compare", "Compare each arm of two runs, to find regressions.")
    compare.add_argument("old", type=Path, help="folder with the evidence of the earlier run")
    compare.add_argument("new", type=Path, help="folder with the evidence of the later run")


def _add_lab(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--target",
        type=_as_argument(Address.parse),
        metavar="URL",
        help="send all requests to this address, for example to the gateway; default: directly to"
        " each service, on its default port or at its address in LAB_UPSTREAMS",
    )
    _add_seed(action)


def _add_seed(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--seed",
        type=whole(0),
        default=1,
        metavar="N",
        help="seed of all random choices: inputs, order of blocks, arrivals; default: %(default)s",
    )


def _add_set(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="send this parameter value in every request; needs exactly one technique; may be"
        " repeated; default: random values, drawn from the technique's workload",
    )


def _add_load(action: argparse.ArgumentParser, iterations: int) -> None:
    action.add_argument(
        "--iterations",
        type=whole(MINIMUM_PAIRS),
        default=iterations,
        metavar="N",
        help=f"number of blocks per arm, at least {MINIMUM_PAIRS}; default: %(default)s",
    )
    action.add_argument(
        "--duration",
        type=_seconds,
        default=0.5,
        metavar="SECONDS",
        help="duration of a block; the block then waits for its last response; default:"
        " %(default)s",
    )
    _add_pace(action)
    _add_link(action)


def _add_pace(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--concurrency",
        type=whole(1),
        default=4,
        metavar="N",
        help="number of clients in a closed loop; each client waits for its response before its"
        " next request; default: %(default)s",
    )
    action.add_argument(
        "--rate",
        type=_rate,
        metavar="R",
        help="send R requests per second in an open loop, without waiting for responses; latency"
        " counts from a request's intended instant; default: a closed loop",
    )
    action.add_argument(
        "--arrivals",
        choices=("constant", "poisson"),
        default="constant",
        help="intended instants of an open loop: evenly spaced, or random like those of independent"
        " users; default: %(default)s",
    )
    action.add_argument(
        "--stages",
        type=_as_argument(parse_stages),
        default=(),
        metavar="10s:100,30s:500",
        help="stages of a block, as DURATION:LEVEL; the level is the number of clients or, with"
        " --rate, requests per second; replaces --duration",
    )


def _add_link(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--link",
        type=_as_argument(_bits_per_second),
        metavar="10mbit",
        help="simulate a slow network of this speed (kbit, mbit, gbit per second), shared by all"
        " clients; default: no simulation",
    )
    action.add_argument(
        "--link-latency",
        type=_as_argument(quantities.seconds),
        default=0.0,
        metavar="20ms",
        help="latency that the network of --link adds to each response; default: 0",
    )


def _add_output(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="store the evidence in this folder, with reports as HTML, Markdown, CSV and JSON;"
        " default: print the result only",
    )
    _add_objectives(action)


def _add_objectives(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--slo",
        type=_as_argument(parse_objective),
        action="append",
        default=[],
        metavar="'optimized.p99<20ms'",
        help="exit with code 5 if an arm misses this objective; may be repeated",
    )


class whole:  # noqa: N801 - used like a function
    """An argument type: a whole number from `minimum` to a million."""

    def __init__(self, minimum: int) -> None:
        self._minimum = minimum

    def __call__(self, text: str) -> int:
        if not text.isascii() or not text.isdigit() or not self._minimum <= int(text) <= 10**6:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from {self._minimum} to 1000000"
            )
        return int(text)


def _number(text: str, minimum: float, maximum: float, noun: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not minimum <= number <= maximum:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a {noun} from {minimum:g} to {maximum:g}"
        )
    return number


def _seconds(text: str) -> float:
    return _number(text, 0.01, 3600, "number of seconds")


def _rate(text: str) -> float:
    return _number(text, 0.1, 1e6, "rate in requests per second")


def _bits_per_second(text: str) -> float:
    """Raises ValueError for a rate that carries nothing."""
    return NetworkLink.parse(text).bits_per_second


def _as_argument(parse: Callable[[str], Parsed]) -> Callable[[str], Parsed]:
    """An argument type that keeps the message of a ValueError. argparse would discard it."""

    def argument(text: str) -> Parsed:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return argument
