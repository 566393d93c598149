"""Generate the files for Prometheus and Grafana, or check that they are up to date."""

import argparse
import datetime
import json
import sys

from monitoring.answers import ANSWERS, ask
from monitoring.generated_files import stale_files, write_files

_DEFAULT_PROMETHEUS = "http://127.0.0.1:9090"


def main() -> None:
    arguments = _parser().parse_args()
    if arguments.action == "check":
        sys.exit(_check())
    if arguments.action == "ask":
        _store_answers(arguments.prometheus)
    write_files()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m monitoring", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("generate", help="write monitoring/generated and QUESTIONS.md")
    actions.add_parser("check", help="write nothing; exit with code 1 if a file is not up to date")
    ask_now = actions.add_parser(
        "ask", help="query a running Prometheus for the answers in QUESTIONS.md, then write"
    )
    ask_now.add_argument(
        "--prometheus",
        metavar="URL",
        default=_DEFAULT_PROMETHEUS,
        help="default: %(default)s",
    )
    return parser


def _check() -> int:
    stale = stale_files()
    for path in stale:
        print(f"monitoring/{path} is not up to date: run `make generate`")  # noqa: T201
    return bool(stale)


def _store_answers(prometheus: str) -> None:
    try:
        answers = ask(prometheus)
    except OSError as error:
        message = (
            f"error: {prometheus} is unreachable ({error}): start the lab, or set --prometheus"
        )
        print(message, file=sys.stderr)  # noqa: T201
        sys.exit(2)
    today = datetime.datetime.now(datetime.UTC).date()
    document = {"measured": today.isoformat(), "answers": answers}
    ANSWERS.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
