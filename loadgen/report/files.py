"""All reports of a judgement in one folder: as JSON, Markdown, CSV and HTML."""

from collections.abc import Mapping
from pathlib import Path

from loadgen.evidence.bundle import Histograms
from loadgen.judgement import Judgement, SweepJudgement, SweepJudgements, decode_sweeps, encode
from loadgen.report.html_report import html_report
from loadgen.report.markdown import report
from loadgen.report.run_overview import overview_svg
from loadgen.report.spreadsheet import sheet

JUDGEMENT = "judgement.json"
SWEEPS = "sweeps.json"


def write_reports(
    folder: Path, document: Judgement, histograms: Histograms, sweeps: SweepJudgements | None = None
) -> list[Path]:
    """Raises OSError, and leaves then what was there before; no file is ever half-written."""
    contents = {
        JUDGEMENT: encode(document),
        "report.md": report(document, sweeps).encode(),
        "report.csv": sheet(document).encode(),
        "report.html": html_report(document, histograms, sweeps).encode(),
        "overview.svg": overview_svg(document).encode(),
    }
    if sweeps:
        contents[SWEEPS] = encode(sweeps)
    return write_all(folder, contents)


def sweeps_below(folder: Path) -> SweepJudgements:
    """All that are kept in the folder and in those below it. Raises OSError and ValueError."""
    sweeps: dict[str, SweepJudgement] = {}
    for path in sorted(folder.rglob(SWEEPS)):
        sweeps |= decode_sweeps(path.read_bytes())
    return sweeps


def write_all(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """All beside their places first: a full disk shows before anything is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {folder / name: folder / f".{name}.part" for name in contents}
    try:
        for part, content in zip(parts.values(), contents.values(), strict=True):
            part.write_bytes(content)
        return [part.replace(path) for path, part in parts.items()]
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
