"""What Prometheus answered to the questions here, and the page that tells it.

The answers are kept in answers.json, written by `make questions` from a lab that runs.
"""

import json
import math
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from monitoring.questions import QUESTIONS, Question

ANSWERS = Path(__file__).parent / "answers.json"
_ANSWER_SECONDS = 30
_ROWS = 8

Answer = list[dict[str, Any]]


def ask(address: str) -> dict[str, Answer]:
    """What a running Prometheus answers now, by the question's title. Raises OSError."""
    return {question.title: _answer(address, question.expression) for question in QUESTIONS}


def _answer(address: str, expression: str) -> Answer:
    """Labels and value of each series; values that are no number are left out."""
    url = f"{address.rstrip('/')}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS) as response:  # noqa: S310 - by a person
        result = json.load(response)["data"]["result"]
    rows = [(_labels(series["metric"]), float(series["value"][1])) for series in result]
    return [{"labels": labels, "value": value} for labels, value in rows if math.isfinite(value)]


def _labels(metric: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in sorted(metric.items()) if name != "__name__"}


def page() -> str:
    """The page, in Markdown, with the answers that are kept."""
    kept = json.loads(ANSWERS.read_text("utf-8"))
    sections = (
        _section(number, question, kept["answers"][question.title])
        for number, question in enumerate(QUESTIONS, 1)
    )
    return _HEAD.format(measured=kept["measured"]) + "".join(sections)


_HEAD = """# Ten questions to ask

Paste them into Grafana's *Explore*, or into Prometheus at <http://127.0.0.1:9090>, while the lab
runs under load. Below each: how to take the answer, and what it was here on {measured}, from the
load that runs continuously (two clients, each technique's usual workload), everything on one
machine. Series named `level:metric:operations` are recorded, by [recording.py](recording.py); the
metrics themselves stand in [telemetry.py](../services/telemetry.py).

<!-- Written by `make generate`; new answers from a running lab: `make questions`. -->
"""


def _section(number: int, question: Question, answer: Answer) -> str:
    lines = [
        f"\n## {number}. {question.title}\n",
        f"```promql\n{question.expression}\n```\n",
        f"{question.reading}\n",
        "| series | value |\n| --- | ---: |",
        *(_row(row) for row in answer[:_ROWS]),
    ]
    if len(answer) > _ROWS:
        lines.append(f"| … and {len(answer) - _ROWS} more | |")
    return "\n".join(lines) + "\n"


def _row(row: dict[str, Any]) -> str:
    return f"| {' · '.join(row['labels'].values()) or 'all'} | {row['value']:.3g} |"
