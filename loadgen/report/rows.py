"""One line for each comparison, as every table of the reports has it."""

from collections.abc import Iterator

from loadgen.judgement import ExperimentJudgement, SweepPoint
from loadgen.report.figures import NOTHING, number


def comparisons(experiment: ExperimentJudgement) -> Iterator[tuple[str, str]]:
    """Each candidate, and what its line has behind the experiment's name.

    A lone candidate needs no name. Without one there is one line all the same, its arm empty.
    """
    arms = experiment.candidates
    for arm in arms or [""]:
        yield arm, f": {arm}" if len(arms) > 1 else ""


def before_and_after(experiment: ExperimentJudgement, arm: str, arrow: str) -> list[str]:
    """Median, 99th percentile and requests/s of the baseline and of an arm."""
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
    """Milliseconds of an arm at one value of a sweep."""
    return number(point.arms[arm].p50_ms) if arm in point.arms else NOTHING
