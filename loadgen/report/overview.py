"""The page's first picture and table, over all experiments, and its last list: the settings."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from loadgen.judgement import (
    ExperimentJudgement,
    Judgement,
)
from loadgen.report.elements import Content, element
from loadgen.report.figures import noise, times
from loadgen.report.forest import Row, forest
from loadgen.report.pictures import arm_classes, responsive
from loadgen.report.rows import before_and_after, comparisons
from loadgen.report.tables import badge, scrolling, table

_CAPTION = (
    "Speed-up of the median with its 95 % interval, on a logarithmic axis. Grey: the noise floor,"
    " what the same run finds between the baseline and itself."
)


TITLE = "Speed-ups of all experiments"


def overview_rows(document: Judgement) -> list[Row]:
    return [row for name, each in document.experiments.items() for row in _rows(name, each)]


def overview(document: Judgement) -> Element:
    rows = overview_rows(document)
    if not rows:
        return element("section", element("p", "There is no experiment in this run."))
    picture = responsive(lambda width: forest("overview", TITLE, rows, width), _CAPTION)
    return element("section", picture, scrolling(_table(document), "All experiments"))


def _rows(name: str, experiment: ExperimentJudgement) -> Iterator[Row]:
    styles = arm_classes(experiment)
    for arm, suffix in comparisons(experiment):
        yield Row(
            f"{name}{suffix}",
            experiment.ratio(arm, "p50"),
            experiment.noise("p50"),
            styles.get(arm, ""),
            experiment.verdict,
        )


def _table(document: Judgement) -> Element:
    head = ("experiment", "p50 ms", "p99 ms", "requests/s", "speed-up", "noise", "verdict")
    rows = [
        _cells(f"#experiment-{at}", name, experiment, arm, suffix)
        for at, (name, experiment) in enumerate(document.experiments.items())
        for arm, suffix in comparisons(experiment)
    ]
    return table(head, rows)


def _cells(
    target: str, name: str, experiment: ExperimentJudgement, arm: str, suffix: str
) -> list[Content]:
    return [
        element("a", f"{name}{suffix}", href=target),
        *before_and_after(experiment, arm, " → "),
        times(experiment.ratio(arm, "p50")),
        noise(experiment.noise("p50")),
        badge(experiment.verdict_of(arm)),
    ]


def provenance_list(document: Judgement) -> Element:
    facts: dict[str, Any] = {
        "measured at": document.measured_at,
        "revision": document.git_revision or "unknown",
        **_told(document.machine),
        **_told(document.settings),
    }
    listed = element("dl")
    for name, value in facts.items():
        listed.extend([element("dt", name), element("dd", value)])
    return element("div", element("h2", "Where and how it was measured"), listed)


def _told(facts: Mapping[str, Any]) -> dict[str, str]:
    """Settings may be lists and objects: as JSON then."""
    return {
        name.replace("_", " "): value if isinstance(value, str) else json.dumps(value)
        for name, value in facts.items()
        if value is not None
    }
