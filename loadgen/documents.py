"""The figures in README.md and in the techniques' cards, written from the committed evidence.

`python -m loadgen.documents` writes the figures of `loadgen/reports/judgement.json` into the
documents. With `--check` it changes nothing, and fails if a document differs from the evidence.
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
from loadgen.report.candidate_rows import before_and_after, candidate_rows
from loadgen.report.files import JUDGEMENT, sweeps_below
from loadgen.report.markdown import literal, points_table, table
from loadgen.report.notation import NOTHING, interval, noise_reach, number, ratio_with_interval
from loadgen.report.sentences import break_even_sentence, explanation, provenance, refusal
from services.catalog import TECHNIQUES
from services.contract import Technique

ROOT = Path(__file__).parents[1]
EVIDENCE = ROOT / "loadgen" / "reports" / JUDGEMENT

_BEGIN = "<!-- measured: written by `make bench` -->"
_END = "<!-- end of measured -->"
_BLOCK = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)


class DocumentIncomplete(ValueError):
    """A document, or the place for its figures, is missing. The text is one line."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadgen.documents", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail on a difference")
    arguments = parser.parse_args()
    try:
        write_documents(*evidence(EVIDENCE), check=arguments.check)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")


def evidence(path: Path) -> tuple[Judgement, SweepJudgements]:
    """The judgement in the file, and all sweeps in the file's folder and below it.

    Raises OSError or ValueError.
    """
    try:
        judgement = decode_judgement(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{_relative(path)}: {error}; run `make bench`") from error
    return judgement, sweeps_below(path.parent)


def write_documents(judgement: Judgement, sweeps: SweepJudgements, *, check: bool) -> None:
    """With `check`, raise ValueError with one line if a document differs from the evidence."""
    pages = documents(judgement, sweeps)
    stale = [path for path, text in pages if path.read_text("utf-8") != text]
    if not check:
        for path, text in pages:
            path.write_text(text, "utf-8")
    elif stale:
        names = ", ".join(map(_relative, stale))
        raise ValueError(
            f"{names}: the figures differ from {_relative(EVIDENCE)};"
            " run `python -m loadgen.documents`"
        )


def documents(judgement: Judgement, sweeps: SweepJudgements) -> list[tuple[Path, str]]:
    """Each document with the text that it should have. Raises DocumentIncomplete."""
    blocks = {ROOT / "README.md": readme_table(judgement)}
    for technique in TECHNIQUES:
        card = ROOT / "services" / technique.package / "README.md"
        blocks[card] = card_table(judgement, sweeps, technique.name)
    return [(path, with_block(path, block)) for path, block in blocks.items()]


def with_block(path: Path, block: str) -> str:
    """The document's text with this block of figures. Raises DocumentIncomplete."""
    name = _relative(path)
    if not path.exists():
        raise DocumentIncomplete(f"{name} is missing; copy the card of another technique")
    text = path.read_text("utf-8")
    if not _BLOCK.search(text):
        raise DocumentIncomplete(
            f"{name} has no place for its figures; copy the section Measured of another card,"
            f" from {_BEGIN!r} to {_END!r}"
        )
    return _BLOCK.sub(lambda _: f"{_BEGIN}\n{block}\n{_END}", text)


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def readme_table(judgement: Judgement) -> str:
    """A row for each technique of the catalog: naive against the first other variant."""
    head = (
        "technique",
        "p50 ms, naive → optimized",
        "p99 ms",
        "requests/s",
        "speed-up of p50 (95 % interval)",
        "noise floor",
        "verdict",
    )
    measured = judgement.with_first_candidates().experiments
    body = [
        row
        for technique in TECHNIQUES
        for row in _readme_rows(technique, measured.get(technique.name))
    ]
    return "\n".join([table(head, body, words=("verdict",)), "", _measured(judgement)])


def _readme_rows(
    technique: Technique, experiment: ExperimentJudgement | None
) -> Iterator[list[str]]:
    link = f"[{technique.title}](services/{technique.package}/README.md)"
    if experiment is None:
        yield [link, *[NOTHING] * 5, "not measured yet"]
        return
    for arm, suffix in candidate_rows(experiment):
        yield [
            f"{link}{literal(suffix)}",
            *before_and_after(experiment, arm, " → "),
            ratio_with_interval(experiment.ratio(arm, "p50")),
            noise_reach(experiment.noise("p50")),
            experiment.verdict_of(arm),
        ]


def card_table(judgement: Judgement, sweeps: SweepJudgements, name: str) -> str:
    """A row for each variant of one technique; below, what explains the differences."""
    if name not in judgement.experiments:
        return "Not measured yet."
    experiment = judgement.experiments[name]
    sentences = [literal(experiment.workload), _noise(experiment), _explained(experiment)]
    paragraphs = [_variants(experiment), " ".join(filter(None, sentences))]
    if name in sweeps:
        paragraphs += _sweep_paragraphs(sweeps[name])
    return "\n\n".join([*paragraphs, _measured(judgement)])


def _sweep_paragraphs(sweep: SweepJudgement) -> list[str]:
    return [literal(f"{sweep.description} {break_even_sentence(sweep)}"), points_table(sweep)]


def _variants(experiment: ExperimentJudgement) -> str:
    if experiment.is_invalid:
        return f"**{literal(refusal(experiment))}.**"
    head = ("variant", "p50 ms", "p99 ms", "requests/s", "bytes of a body", "speed-up", "verdict")
    arms = [arm for arm in experiment.arms_in_order if arm != CONTROL]
    return table(head, [_variant(experiment, arm) for arm in arms], words=("verdict",))


def _variant(experiment: ExperimentJudgement, arm: str) -> list[str]:
    figures = experiment.arms[arm]
    compared = arm != experiment.baseline
    return [
        literal(arm),
        number(figures.p50_ms),
        number(figures.p99_ms),
        number(figures.requests_per_second),
        number(figures.bytes_per_response),
        ratio_with_interval(experiment.ratio(arm, "p50")) if compared else NOTHING,
        f"**{experiment.verdict_of(arm)}**" if compared else "",
    ]


def _noise(experiment: ExperimentJudgement) -> str:
    floor = experiment.noise("p50")
    return f"Noise floor, naive against itself: {interval(floor)}." if floor else ""


def _explained(experiment: ExperimentJudgement) -> str:
    receipts = explanation(experiment)
    return f"What explains it: {literal(receipts)}." if receipts else ""


def _measured(judgement: Judgement) -> str:
    return f"{literal(provenance(judgement))}, everything on one machine."


if __name__ == "__main__":
    main()
