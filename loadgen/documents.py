"""The figures in README.md and in the techniques' cards, written from the committed evidence.

`python -m loadgen.documents` writes them anew from `loadgen/reports/judgement.json`; `--check`
changes nothing and fails when a document says something else than the evidence.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from loadgen.judgement import (
    CONTROL,
    ExperimentJudgement,
    Judgement,
    SweepJudgement,
    SweepJudgements,
    decode_judgement,
)
from loadgen.report.figures import NOTHING, interval, noise, number, times
from loadgen.report.files import JUDGEMENT, sweeps_below
from loadgen.report.markdown import literal, points, rows
from loadgen.report.rows import before_and_after, comparisons
from loadgen.report.sentences import break_even_sentence, explanation, provenance, refusal
from services.catalog import TECHNIQUES
from services.contract import Technique

ROOT = Path(__file__).parents[1]
EVIDENCE = ROOT / "loadgen" / "reports" / JUDGEMENT

_BEGIN = "<!-- measured: written by `make bench` -->"
_END = "<!-- end of measured -->"
_BLOCK = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadgen.documents", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail on a difference")
    check = parser.parse_args().check
    pages = documents(*evidence(EVIDENCE))
    stale = [path for path, text in pages if path.read_text("utf-8") != text]
    if not check:
        for path, text in pages:
            path.write_text(text, "utf-8")
    elif stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        sys.exit(f"error: {names}: not what {EVIDENCE.relative_to(ROOT)} says; run `make bench`")


def evidence(path: Path) -> tuple[Judgement, SweepJudgements]:
    """The judgement, and the sweeps beside it or in folders there."""
    return decode_judgement(path.read_bytes()), sweeps_below(path.parent)


def documents(document: Judgement, sweeps: SweepJudgements) -> list[tuple[Path, str]]:
    """Each document with the text that it should have."""
    pages = [(ROOT / "README.md", readme_table(document))]
    for technique in TECHNIQUES:
        card = ROOT / "services" / technique.package / "README.md"
        pages.append((card, card_table(document, sweeps, technique.name)))
    return [(path, _with_block(path.read_text("utf-8"), block)) for path, block in pages]


def _with_block(text: str, block: str) -> str:
    if not _BLOCK.search(text):
        raise ValueError(f"no place for the figures: {_BEGIN!r} is missing")
    return _BLOCK.sub(lambda _: f"{_BEGIN}\n{block}\n{_END}", text)


def readme_table(document: Judgement) -> str:
    """A row for each technique that was measured: its first variant beside naive, optimized."""
    head = (
        "technique",
        "p50 ms, naive → optimized",
        "p99 ms",
        "requests/s",
        "speed-up of p50 (95 % interval)",
        "noise floor",
        "verdict",
    )
    found = document.with_first_candidates().experiments
    body = [
        row
        for technique in TECHNIQUES
        if technique.name in found
        for row in _readme_rows(technique, found[technique.name])
    ]
    return "\n".join([rows(head, body, words=("verdict",)), "", _measured(document)])


def _readme_rows(technique: Technique, experiment: ExperimentJudgement) -> Iterator[list[str]]:
    link = f"[{technique.title}](services/{technique.package}/README.md)"
    for arm, suffix in comparisons(experiment):
        yield [
            f"{link}{literal(suffix)}",
            *before_and_after(experiment, arm, " → "),
            times(experiment.ratio(arm, "p50")),
            noise(experiment.noise("p50")),
            experiment.verdict_of(arm),
        ]


def card_table(document: Judgement, sweeps: SweepJudgements, name: str) -> str:
    """One technique: a row per variant, and below what explains the difference."""
    if name not in document.experiments:
        return "Not measured yet."
    experiment = document.experiments[name]
    told = [literal(experiment.workload), _noise(experiment), _explained(experiment)]
    paragraphs = [_variants(experiment), " ".join(filter(None, told))]
    if name in sweeps:
        paragraphs += _swept(sweeps[name])
    return "\n\n".join([*paragraphs, _measured(document)])


def _swept(sweep: SweepJudgement) -> list[str]:
    return [literal(f"{sweep.description} {break_even_sentence(sweep)}"), points(sweep)]


def _variants(experiment: ExperimentJudgement) -> str:
    if experiment.is_invalid:
        return f"**{literal(refusal(experiment))}.**"
    head = ("variant", "p50 ms", "p99 ms", "requests/s", "bytes of a body", "speed-up", "verdict")
    arms = [arm for arm in experiment.arms_in_order if arm != CONTROL]
    return rows(head, [_variant(experiment, arm) for arm in arms], words=("verdict",))


def _variant(experiment: ExperimentJudgement, arm: str) -> list[str]:
    figures = experiment.arms[arm]
    compared = arm != experiment.baseline
    return [
        literal(arm),
        number(figures.p50_ms),
        number(figures.p99_ms),
        number(figures.requests_per_second),
        number(figures.bytes_per_response),
        times(experiment.ratio(arm, "p50")) if compared else NOTHING,
        f"**{experiment.verdict_of(arm)}**" if compared else "",
    ]


def _noise(experiment: ExperimentJudgement) -> str:
    floor = experiment.noise("p50")
    return f"Noise floor, naive against itself: {interval(floor)}." if floor else ""


def _explained(experiment: ExperimentJudgement) -> str:
    lines = explanation(experiment)
    return f"What explains it: {literal(lines)}." if lines else ""


def _measured(document: Judgement) -> str:
    return f"{literal(provenance(document))}, everything on one machine."


if __name__ == "__main__":
    main()
