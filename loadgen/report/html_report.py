"""The report as one HTML page that contains its style sheet and all plots.

The page's content security policy lets the browser load nothing and run no script. The parts of
the page are in `run_overview`, `experiment_section` and `sweep_section`. The template is
`templates/report.html.jinja`.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from loadgen.evidence.bundle import Histograms
from loadgen.judgement import (
    MINIMUM_EFFECT,
    Judgement,
    SweepJudgements,
    sweeps_without_experiment,
)
from loadgen.report.experiment_section import ExperimentSection, experiment_section
from loadgen.report.plot import arm_styles
from loadgen.report.rendering import STYLE, render
from loadgen.report.run_overview import run_overview, section_identifier
from loadgen.report.sentences import provenance, tally
from loadgen.report.sweep_section import SweepSection, sweep_section


def html_report(
    judgement: Judgement,
    histograms: Histograms | None = None,
    sweeps: SweepJudgements | None = None,
) -> str:
    """Returns the page. The same arguments always give the same page.

    `histograms` holds the latencies by experiment and arm. Without histograms the page has no
    density plots.
    """
    return render(
        "report.html.jinja",
        judgement=judgement,
        tally=tally(judgement),
        provenance=provenance(judgement),
        overview=run_overview(judgement),
        sweeps=_sweeps_without_experiment(judgement, sweeps or {}),
        sections=list(_sections(judgement, histograms or {}, sweeps or {})),
        facts=_facts(judgement),
        minimum_effect_percent=MINIMUM_EFFECT * 100,
        style=STYLE,
        style_digest=base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode(),
    )


def _sections(
    judgement: Judgement, histograms: Histograms, sweeps: SweepJudgements
) -> Iterator[ExperimentSection]:
    for index, (name, experiment) in enumerate(judgement.experiments.items()):
        yield experiment_section(
            section_identifier(index),
            name,
            experiment,
            histograms.get(name, {}),
            sweeps.get(name),
        )


def _sweeps_without_experiment(
    judgement: Judgement, sweeps: SweepJudgements
) -> dict[str, SweepSection]:
    """Sections by name. If the whole run is a sweep, each of its experiments is one point."""
    styles: dict[str, str] = {}
    for experiment in judgement.experiments.values():
        styles |= arm_styles(experiment)
    named = sweeps_without_experiment(judgement, sweeps).items()
    return {
        name: sweep_section(f"sweep-{index}", name, sweep, styles)
        for index, (name, sweep) in enumerate(named)
    }


def _facts(judgement: Judgement) -> dict[str, str]:
    """Returns where and how the run was measured."""
    return {
        "measured at": judgement.measured_at,
        "revision": judgement.git_revision or "unknown",
        **_in_words(judgement.machine),
        **_in_words(judgement.settings),
    }


def _in_words(facts: Mapping[str, Any]) -> dict[str, str]:
    """Formats values other than strings as JSON, and leaves out unknown values."""
    return {
        name.replace("_", " "): value if isinstance(value, str) else json.dumps(value)
        for name, value in facts.items()
        if value is not None
    }
