"""Rows of the tables: a row for each candidate, and the cells that all reports share."""

from collections.abc import Iterator

from loadgen.judgement import ExperimentJudgement, SweepPoint
from loadgen.report.notation import NOTHING, number


def candidate_rows(experiment: ExperimentJudgement) -> Iterator[tuple[str, str]]:
    """Each candidate with the suffix that its row adds to the experiment's name.

    The suffix of an only candidate is empty. An experiment without candidates has one row with an
    empty arm.
    """
    arms = experiment.candidates
    for arm in arms or [""]:
        yield arm, f": {arm}" if len(arms) > 1 else ""


def before_and_after(experiment: ExperimentJudgement, arm: str, arrow: str) -> list[str]:
    """Three cells: median, 99th percentile and requests/s, each of the baseline and of the arm."""
    arms = experiment.arms
    if arm not in arms or experiment.baseline not in arms:
        return [NOTHING] * 3
    pair = (arms[experiment.baseline], arms[arm])
    return [
        arrow.join(number(figures.p50_ms) for figures in pair),
        arrow.join(number(figures.p99_ms) for figures in pair),
        arrow.join(number(figures.requests_per_second) for figures in pair),
    ]


def median_at(point: SweepPoint, arm: str) -> str:
    """The cell with the median of an arm, in milliseconds, at one value of a sweep."""
    return number(point.arms[arm].p50_ms) if arm in point.arms else NOTHING
