"""A sweep on the page: the curve of each arm, where they meet, and the figures of each point."""

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from loadgen.judgement import CONTROL, SweepJudgement
from loadgen.report.curve import curve
from loadgen.report.elements import Content, element
from loadgen.report.figures import amount, times
from loadgen.report.pictures import responsive
from loadgen.report.rows import median_at
from loadgen.report.sentences import break_even_sentence
from loadgen.report.tables import legend, scrolling, table, words


def swept(name: str, title: str, sweep: SweepJudgement, styles: Mapping[str, str]) -> list[Element]:
    """Without the control: its line would lie on the baseline's. `name` is the page's only one."""
    present = {arm for point in sweep.points for arm in point.arms} - {CONTROL}
    shown = {arm: style for arm, style in styles.items() if arm in present}
    told = [element("h3", f"Over {sweep.parameter}"), element("p", sweep.description)]
    if shown:
        told += _curve(name, title, sweep, shown)
    return [*told, scrolling(_points(sweep, list(shown)), f"Figures by {sweep.parameter}")]


def _curve(
    name: str, title: str, sweep: SweepJudgement, styles: Mapping[str, str]
) -> list[Element]:
    whole_title = f"{title} over {sweep.parameter}"
    picture = responsive(
        lambda width: curve(name, whole_title, sweep, styles, width), break_even_sentence(sweep)
    )
    return [legend(styles.items()), picture]


def _points(sweep: SweepJudgement, arms: list[str]) -> Element:
    head = (sweep.parameter, *(f"{arm} p50 ms" for arm in arms), "speed-up", "")
    rows: list[list[Content]] = [
        [
            amount(point.value),
            *(median_at(point, arm) for arm in arms),
            times(point.ratio),
            words(point.reason or point.verdict),
        ]
        for point in sweep.points
    ]
    return table(head, rows)
