"""Writes all reports of a judgement into one folder: JSON, Markdown, CSV, HTML and SVG."""

from collections.abc import Mapping
from pathlib import Path

from loadgen.evidence.bundle import Histograms
from loadgen.judgement import Judgement, SweepJudgement, SweepJudgements, decode_sweeps, encode
from loadgen.report.html_report import html_report
from loadgen.report.markdown import markdown_report
from loadgen.report.run_overview import overview_svg
from loadgen.report.spreadsheet import csv_report

JUDGEMENT = "judgement.json"
SWEEPS = "sweeps.json"


def write_reports(
    folder: Path,
    judgement: Judgement,
    histograms: Histograms,
    sweeps: SweepJudgements | None = None,
) -> list[Path]:
    """The paths of the reports. Raises OSError as write_all."""
    contents = {
        JUDGEMENT: encode(judgement),
        "report.md": markdown_report(judgement, sweeps).encode(),
        "report.csv": csv_report(judgement).encode(),
        "report.html": html_report(judgement, histograms, sweeps).encode(),
        "overview.svg": overview_svg(judgement).encode(),
    }
    if sweeps:
        contents[SWEEPS] = encode(sweeps)
    return write_all(folder, contents)


def sweeps_below(folder: Path) -> SweepJudgements:
    """The sweeps of all `sweeps.json` in the folder and below it. Raises OSError and ValueError."""
    sweeps: dict[str, SweepJudgement] = {}
    for path in sorted(folder.rglob(SWEEPS)):
        try:
            sweeps |= decode_sweeps(path.read_bytes())
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    return sweeps


def write_all(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write each file next to its place first, so that a full disk replaces none of the files.

    Raises OSError; then the folder has the files that it had before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = {folder / name: folder / f".{name}.part" for name in contents}
    try:
        for part, content in zip(parts.values(), contents.values(), strict=True):
            part.write_bytes(content)
        return [part.replace(path) for path, part in parts.items()]
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
