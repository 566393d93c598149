"""Query Prometheus for the answers to the questions, and write the page QUESTIONS.md.

`make questions` stores the answers of a running lab in answers.json.
"""

import json
import math
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from monitoring.questions import QUESTIONS, Question

ANSWERS = Path(__file__).parent / "answers.json"
_TIMEOUT_SECONDS = 30
_MAXIMUM_ROWS = 8

Answer = list[dict[str, Any]]


def ask(address: str) -> dict[str, Answer]:
    """The answers of a running Prometheus, by the title of the question. Raises OSError."""
    return {question.title: _answer(address, question.expression) for question in QUESTIONS}


def _answer(address: str, expression: str) -> Answer:
    """Labels and value of each series, without series whose value is not finite."""
    url = f"{address.rstrip('/')}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - the user gave this URL
        result = json.load(response)["data"]["result"]
    rows = [(_labels(series["metric"]), float(series["value"][1])) for series in result]
    return [{"labels": labels, "value": value} for labels, value in rows if math.isfinite(value)]


def _labels(metric: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in sorted(metric.items()) if name != "__name__"}


def page() -> str:
    """The page in Markdown, with the stored answers."""
    stored = json.loads(ANSWERS.read_text("utf-8"))
    sections = (
        _section(number, question, stored["answers"][question.title])
        for number, question in enumerate(QUESTIONS, 1)
    )
    return _HEAD.format(measured=stored["measured"]) + "".join(sections)


_HEAD = """# Ten questions for Prometheus

Paste the queries into Grafana's *Explore*, or into Prometheus at <http://127.0.0.1:9090>, while the
lab runs under load. Each query has an explanation and the answer of {measured}. The answers come
from the continuous load (two clients, each technique's usual workload), with all processes on one
machine. [recording_rules.py](recording_rules.py) defines the series named
`level:metric:operations`; [telemetry.py](../services/telemetry.py) declares the metrics.

<!-- Written by `make generate`. `make questions` stores new answers from a running lab. -->
"""


def _section(number: int, question: Question, answer: Answer) -> str:
    lines = [
        f"\n## {number}. {question.title}\n",
        f"```promql\n{question.expression}\n```\n",
        f"{question.reading}\n",
        "| series | value |\n| --- | ---: |",
        *(_row(row) for row in answer[:_MAXIMUM_ROWS]),
    ]
    if len(answer) > _MAXIMUM_ROWS:
        lines.append(f"| … and {len(answer) - _MAXIMUM_ROWS} more | |")
    return "\n".join(lines) + "\n"


def _row(row: dict[str, Any]) -> str:
    return f"| {' · '.join(row['labels'].values()) or 'all'} | {row['value']:.3g} |"
