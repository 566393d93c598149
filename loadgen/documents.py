"""The figures in README.md and in the techniques' cards, written from the committed evidence.

`python -m loadgen.documents` writes them anew from `loadgen/reports/judgement.json`; `--check`
changes nothing and fails when a document says something else than the evidence.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson

from loadgen.report.document import (
    CONTROL,
    Document,
    Experiment,
    Sweep,
    Sweeps,
    arms_in_order,
    foremost,
    noise_of,
    ratio_of,
    verdict_of,
)
from loadgen.report.figures import NOTHING, interval, noise, number, times
from loadgen.report.files import JUDGEMENT, sweeps_below
from loadgen.report.markdown import literal, points, rows
from loadgen.report.rows import before_and_after, comparisons
from loadgen.report.sentences import break_even, explanation, provenance, refusal
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


def evidence(path: Path) -> tuple[Document, Sweeps]:
    """The judgement, and the sweeps beside it or in folders there."""
    return orjson.loads(path.read_bytes()), sweeps_below(path.parent)


def documents(document: Document, sweeps: Sweeps) -> list[tuple[Path, str]]:
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


def readme_table(document: Document) -> str:
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
    found = foremost(document)["experiments"]
    body = [
        row
        for technique in TECHNIQUES
        if technique.name in found
        for row in _readme_rows(technique, found[technique.name])
    ]
    return "\n".join([rows(head, body, words=("verdict",)), "", _measured(document)])


def _readme_rows(technique: Technique, experiment: Experiment) -> Iterator[list[str]]:
    link = f"[{technique.title}](services/{technique.package}/README.md)"
    for arm, suffix in comparisons(experiment):
        yield [
            f"{link}{literal(suffix)}",
            *before_and_after(experiment, arm, " → "),
            times(ratio_of(experiment, arm, "p50")),
            noise(noise_of(experiment, "p50")),
            verdict_of(experiment, arm),
        ]


def card_table(document: Document, sweeps: Sweeps, name: str) -> str:
    """One technique: a row per variant, and below what explains the difference."""
    if name not in document["experiments"]:
        return "Not measured yet."
    experiment = document["experiments"][name]
    told = [literal(experiment["workload"]), _noise(experiment), _explained(experiment)]
    paragraphs = [_variants(experiment), " ".join(filter(None, told))]
    if name in sweeps:
        paragraphs += _swept(sweeps[name])
    return "\n\n".join([*paragraphs, _measured(document)])


def _swept(sweep: Sweep) -> list[str]:
    return [literal(f"{sweep['description']} {break_even(sweep)}"), points(sweep)]


def _variants(experiment: Experiment) -> str:
    if experiment["verdict"] == "invalid":
        return f"**{literal(refusal(experiment))}.**"
    head = ("variant", "p50 ms", "p99 ms", "requests/s", "bytes of a body", "speed-up", "verdict")
    arms = [arm for arm in arms_in_order(experiment) if arm != CONTROL]
    return rows(head, [_variant(experiment, arm) for arm in arms], words=("verdict",))


def _variant(experiment: Experiment, arm: str) -> list[str]:
    figures = experiment["arms"][arm]
    compared = arm != experiment["baseline"]
    return [
        literal(arm),
        number(figures["p50_ms"]),
        number(figures["p99_ms"]),
        number(figures["requests_per_second"]),
        number(figures["bytes_per_response"]),
        times(ratio_of(experiment, arm, "p50")) if compared else NOTHING,
        f"**{verdict_of(experiment, arm)}**" if compared else "",
    ]


def _noise(experiment: Experiment) -> str:
    floor = noise_of(experiment, "p50")
    return f"Noise floor, naive against itself: {interval(floor)}." if floor else ""


def _explained(experiment: Experiment) -> str:
    lines = explanation(experiment)
    return f"What explains it: {literal(lines)}." if lines else ""


def _measured(document: Document) -> str:
    return f"{literal(provenance(document))}, everything on one machine."


if __name__ == "__main__":
    main()
