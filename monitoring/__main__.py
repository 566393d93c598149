"""Write what Prometheus, Grafana and readers see, or check that it is up to date."""

import argparse
import datetime
import json
import sys

from monitoring.answers import ANSWERS, ask
from monitoring.generation import drift, write

_ON_THIS_MACHINE = "http://127.0.0.1:9090"


def main() -> None:
    arguments = _parser().parse_args()
    if arguments.action == "check":
        sys.exit(_check())
    if arguments.action == "ask":
        _keep_answers(arguments.prometheus)
    write()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m monitoring", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("generate", help="write monitoring/generated and QUESTIONS.md")
    actions.add_parser("check", help="write nothing; exit 1 where something is not up to date")
    ask_now = actions.add_parser(
        "ask", help="ask a running Prometheus the ten questions, and write"
    )
    ask_now.add_argument("--prometheus", metavar="URL", default=_ON_THIS_MACHINE)
    return parser


def _check() -> int:
    stale = drift()
    for path in stale:
        print(f"monitoring/{path} is not up to date: run `make generate`")  # noqa: T201
    return bool(stale)


def _keep_answers(prometheus: str) -> None:
    try:
        answers = ask(prometheus)
    except OSError as error:
        print(f"error: {prometheus} does not answer: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    kept = {"measured": datetime.datetime.now(datetime.UTC).date().isoformat(), "answers": answers}
    ANSWERS.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
