"""One experiment on the page: what was found, how latencies are spread, and why to believe it."""

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from loadgen.judgement import (
    QUANTITIES,
    Check,
    ExperimentJudgement,
    Figures,
    SweepJudgement,
)
from loadgen.report.distribution import distribution
from loadgen.report.elements import Content, element, elements
from loadgen.report.figures import NOTHING, amount, number
from loadgen.report.forest import Row, forest
from loadgen.report.pictures import arm_classes, responsive
from loadgen.report.sentences import claims, receipt_name, receipts, unsaid
from loadgen.report.swept import swept
from loadgen.report.tables import badge, scrolling, swatch, table, words
from loadgen.sending.histogram import Histogram

_SPREAD = (
    "How often each latency occurred, on a logarithmic axis; every curve is drawn equally high."
    " Solid line: the median; dashed: the 99th percentile."
)
_RATIOS = "Against the baseline, with 95 % intervals. Grey: the noise floor of each quantity."


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of an experiment beside its judgement."""

    experiment: ExperimentJudgement
    histograms: Mapping[str, Histogram]
    sweep: SweepJudgement | None


def section(identifier: str, name: str, evidence: Evidence) -> Element:
    """`identifier` is what the overview links to."""
    experiment = evidence.experiment
    parts: list[Content] = [
        element("h2", f"{experiment.title or name} ", badge(experiment.verdict)),
        *_claims(experiment),
        element("p", experiment.workload, class_="quiet"),
        *_spread(identifier, evidence),
        *_ratios(identifier, experiment),
        *_figures(experiment),
        *_receipts(experiment),
        *_swept(identifier, evidence),
        *_audit(experiment),
    ]
    return element("section", *parts, id=identifier)


def _claims(experiment: ExperimentJudgement) -> list[Element]:
    first, *others = claims(experiment)
    style = "claim refusal" if experiment.is_invalid else "claim"
    told = [
        element("p", f"{first}.", class_=style),
        *elements("p", (f"{each}." for each in others)),
    ]
    if experiment.reason and unsaid(experiment):
        told.append(element("p", unsaid(experiment)))
    return told


def _spread(identifier: str, evidence: Evidence) -> list[Element]:
    arms = evidence.experiment.arms_in_order or list(evidence.histograms)
    known = {
        arm: evidence.histograms[arm]
        for arm in arms
        if arm in evidence.histograms and evidence.histograms[arm].count
    }
    if not known:
        return []
    styles = arm_classes(evidence.experiment)
    title = f"Latencies of {evidence.experiment.title}"
    picture = responsive(
        lambda width: distribution(f"{identifier}-spread", title, known, styles, width), _SPREAD
    )
    return [element("h3", "Latency"), picture]


def _ratios(identifier: str, experiment: ExperimentJudgement) -> list[Element]:
    styles, arms = arm_classes(experiment), experiment.candidates
    rows = [
        Row(
            quantity if len(arms) == 1 else f"{arm}: {quantity}",
            experiment.ratio(arm, quantity),
            experiment.noise(quantity),
            styles[arm],
            NOTHING,
        )
        for arm in arms
        for quantity in QUANTITIES
    ]
    if not any(row.ratio for row in rows):
        return []
    title = f"Speed-ups of {experiment.title}"
    picture = responsive(lambda width: forest(f"{identifier}-ratios", title, rows, width), _RATIOS)
    return [element("h3", "Speed-up"), picture]


def _figures(experiment: ExperimentJudgement) -> list[Element]:
    if not experiment.arms:
        return []
    styles, arms = arm_classes(experiment), experiment.arms
    rows: list[list[Content]] = [
        [element("span", swatch(styles[name]), name), *_figures_of(arms[name])]
        for name in experiment.arms_in_order
    ]
    return [element("h3", "Figures"), scrolling(table(_FIGURES, rows), "Figures of each arm")]


_FIGURES = (
    "arm",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "mean ms",
    "requests/s",
    "requests",
    "errors",
    "bytes",
)


def _figures_of(arm: Figures) -> list[str]:
    return [
        number(arm.p50_ms),
        number(arm.p95_ms),
        number(arm.p99_ms),
        number(arm.mean_ms),
        number(arm.requests_per_second),
        f"{arm.requests:,}",
        f"{arm.errors:,}",
        number(arm.bytes_per_response),
    ]


def _receipts(experiment: ExperimentJudgement) -> list[Element]:
    found, arms = receipts(experiment), experiment.arms_in_order
    if not found:
        return []
    rows = [
        [receipt_name(name), *(amount(by[arm]) if arm in by else NOTHING for arm in arms)]
        for name, by in found.items()
    ]
    title = "What explains it"
    return [element("h3", title), scrolling(table(("receipt", *arms), rows), title)]


def _swept(identifier: str, evidence: Evidence) -> list[Element]:
    if evidence.sweep is None:
        return []
    styles = arm_classes(evidence.experiment)
    return swept(f"{identifier}-sweep", evidence.experiment.title, evidence.sweep, styles)


def _audit(experiment: ExperimentJudgement) -> list[Element]:
    if not experiment.audit:
        return []
    head = ("check", "found", "limit", "")
    rows = [[check.check, *_found(check)] for check in experiment.audit]
    title = "Is the load generator to be believed?"
    return [element("h3", title), scrolling(table(head, rows), title)]


def _found(check: Check) -> list[Content]:
    verdict = words("ok") if check.ok else words("beyond the limit", "words alarm")
    return [amount(check.value), amount(check.limit), verdict]
