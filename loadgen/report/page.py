"""The report as one HTML page that needs nothing else: style and pictures are inside.

Its content security policy lets the browser load nothing, and run nothing.
"""

import base64
import hashlib
from importlib.resources import files
from xml.etree.ElementTree import Element

from loadgen.evidence.bundle import Histograms
from loadgen.judgement import Judgement, SweepJudgements, sweeps_without_experiment
from loadgen.report.elements import append, element, elements, markup
from loadgen.report.overview import overview, provenance_list
from loadgen.report.pictures import arm_classes
from loadgen.report.section import Evidence, section
from loadgen.report.sentences import provenance, tally
from loadgen.report.swept import swept

_TITLE = "Load test report"
STYLE = files("loadgen.report").joinpath("page.css").read_text("utf-8")


def page(
    document: Judgement, histograms: Histograms | None = None, sweeps: SweepJudgements | None = None
) -> str:
    """The same document gives the same page; without histograms it has no distributions."""
    return f"<!DOCTYPE html>\n{markup(_page(document, histograms or {}, sweeps or {}))}\n"


def _page(document: Judgement, histograms: Histograms, sweeps: SweepJudgements) -> Element:
    return element("html", _head(document), _body(document, histograms, sweeps), lang="en")


def _head(document: Judgement) -> Element:
    style = element("style")
    style.text = STYLE  # not as content: its lines are to stay lines
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{_TITLE}, {document.measured_at[:10]}"),
        style,
    )


def _body(document: Judgement, histograms: Histograms, sweeps: SweepJudgements) -> Element:
    header = element(
        "header",
        element("h1", _TITLE),
        element("p", f"{tally(document)}.", class_="lead"),
        element("p", f"{provenance(document)}.", class_="quiet"),
    )
    main = element("main", overview(document), *_sweeps_alone(document, sweeps))
    for number, (name, experiment) in enumerate(document.experiments.items()):
        evidence = Evidence(experiment, histograms.get(name, {}), sweeps.get(name))
        append(main, section(f"experiment-{number}", name, evidence))
    return element("body", header, main, element("footer", *_reading(), provenance_list(document)))


def _sweeps_alone(document: Judgement, sweeps: SweepJudgements) -> list[Element]:
    """Those of no single experiment: a whole run was the sweep, with an experiment a value."""
    styles: dict[str, str] = {}
    for experiment in document.experiments.values():
        styles |= arm_classes(experiment)
    return [
        element("section", element("h2", name), *swept(f"sweep-{number}", name, sweep, styles))
        for number, (name, sweep) in enumerate(sweeps_without_experiment(document, sweeps).items())
    ]


def _reading() -> list[Element]:
    """What a reader has to know who has not seen such a page before."""
    return [element("h2", "How to read this"), *elements("p", _EXPLANATIONS)]


_EXPLANATIONS = (
    "Arms ran in short blocks that alternate in a random order. Each pair of blocks gives a ratio;"
    " a speed-up is their average, and its interval, in which the true value lies with 95 %"
    " confidence, comes from resampling the pairs. Above 1 the arm is better than the baseline:"
    " it takes less time, or answers more requests in a second.",
    "The control is the baseline once more under another name. What is found between these two is"
    " noise of the machine and the method, drawn as a grey band. A speed-up inside it says little,"
    " and one whose interval holds 1 says nothing: no difference shown.",
    "A run is invalid, and has no verdict, when arms answer differently, when requests fail, or"
    " when the load generator itself was too slow or too busy to be believed.",
)
