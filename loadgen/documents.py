"""The figures in README.md and in the techniques' cards, written from the committed evidence.

`python -m loadgen.documents` writes them anew from `loadgen/reports/summary.json`; `--check`
changes nothing and fails when a document says something else than the evidence.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import orjson

from loadgen.report import SUMMARY_NAME, number, pairs, speedup_text
from services.catalog import TECHNIQUES

ROOT = Path(__file__).parents[1]
EVIDENCE = ROOT / "loadgen" / "reports" / SUMMARY_NAME

_BEGIN = "<!-- measured: written by `make bench` -->"
_END = "<!-- end of measured -->"
_BLOCK = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)

Summary = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadgen.documents", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail on a difference")
    check = parser.parse_args().check
    summary = orjson.loads(EVIDENCE.read_bytes())
    stale = [path for path, text in documents(summary) if path.read_text("utf-8") != text]
    if not check:
        for path, text in documents(summary):
            path.write_text(text, "utf-8")
    elif stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        sys.exit(f"error: {names}: not what {EVIDENCE.relative_to(ROOT)} says; run `make bench`")


def documents(summary: Summary) -> list[tuple[Path, str]]:
    """Each document with the text that it should have."""
    pages = [(ROOT / "README.md", readme_table(summary))]
    for technique in TECHNIQUES:
        card = ROOT / "services" / technique.package / "README.md"
        pages.append((card, card_table(summary, technique.name)))
    return [(path, _with_block(path.read_text("utf-8"), block)) for path, block in pages]


def _with_block(text: str, block: str) -> str:
    if not _BLOCK.search(text):
        raise ValueError(f"no place for the figures: {_BEGIN!r} is missing")
    return _BLOCK.sub(lambda _: f"{_BEGIN}\n{block}\n{_END}", text)


def readme_table(summary: Summary) -> str:
    """All techniques: p50 and p99 of both variants, requests/s, speed-up, verdict."""
    head = [
        "| technique | p50 ms, naive → optimized | p99 ms | requests/s | speed-up of p50 (95 %"
        " interval) | verdict |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    rows = []
    for technique in TECHNIQUES:
        entry = summary["techniques"][technique.name]
        link = f"[{technique.title}](services/{technique.package}/README.md)"
        cells = (*pairs(entry, " → "), speedup_text(entry["speedup"]), entry["verdict"])
        rows.append(f"| {link} | {' | '.join(cells)} |")
    return "\n".join([*head, *rows, "", provenance(summary)])


def card_table(summary: Summary, name: str) -> str:
    """One technique: a row per variant, and the verdict below."""
    entry = summary["techniques"][name]
    lines = [
        "| variant | p50 ms | p99 ms | requests/s | bytes of a body |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for variant in ("naive", "optimized"):
        arm = entry[variant]
        keys = ("p50_ms", "p99_ms", "requests_per_second", "bytes_per_response")
        lines.append(f"| {variant} | {' | '.join(number(arm[key]) for key in keys)} |")
    verdict = f"**{entry['verdict']}**: {speedup_text(entry['speedup'])}. {entry['workload']}"
    return "\n".join([*lines, "", verdict, "", provenance(summary)])


def provenance(summary: Summary) -> str:
    machine, settings = summary["machine"], summary["settings"]
    return (
        f"Measured {summary['measured_at'][:10]} on {machine['cores']} cores of"
        f" {machine['processor']},"
        f" {machine['memory_gib']} GiB, {machine['system']}, Python {machine['python']}:"
        f" {settings['iterations']} pairs of blocks of {settings['duration']:g} s,"
        f" {settings['concurrency']} clients, seed {settings['seed']}, everything on one machine."
    )


if __name__ == "__main__":
    main()
