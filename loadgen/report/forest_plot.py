"""A forest plot: one row for each ratio with its interval, next to the noise floor and the value 1.

The axis is in `axis`; `templates/forest_plot.svg.jinja` draws the plot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from loadgen.judgement import Ratio
from loadgen.report.axis import Axis, axis_with_margin
from loadgen.report.notation import interval, ratio_with_interval, shortened
from loadgen.report.plot import AXIS_HEIGHT, LETTER_WIDTH, NARROW, Frame, Tick, ticks

_WIDEST_LABEL = 280
#: Empty space between the axis and the texts on both sides.
_SEAM = 24
#: Height of the line with the words "worse" and "better".
_DIRECTION_HEIGHT = 22
#: One very wide interval would squeeze all others. The axis ends at this factor beyond the
#: smallest and largest estimate, and wider intervals are cut off there.
_FARTHEST = 6.0
#: The axis covers at least these values. Otherwise a difference of one percent would look large.
_SMALLEST_RANGE = (0.9, 1.1)
#: Smallest width of the noise floor's band that is still visible.
_THINNEST_BAND = 2.0
#: Smallest distance in pixels between two labels of the axis.
_TICK_GAP = 44


@dataclass(frozen=True, slots=True)
class ForestRow:
    """A comparison to draw. `style` holds the arm's CSS classes.

    `fallback` is the text of a row without a ratio.
    """

    label: str
    ratio: Ratio | None
    noise_floor: Ratio | None
    style: str
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A range on the axis, in pixels."""

    left: float
    right: float


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """A row with its positions in pixels. `estimate` is None exactly if `interval` is None."""

    label: str
    figures: str
    style: str
    text_y: float
    middle_y: float
    noise_floor: Span | None
    interval: Span | None
    estimate: float | None


@dataclass(frozen=True, slots=True)
class ForestPlot:
    """A forest plot with all positions in pixels. `one` is the position of the value 1."""

    template: ClassVar[str] = "forest_plot.svg.jinja"

    frame: Frame
    axis: Axis
    ticks: Sequence[Tick]
    one: float
    top: float
    bottom: float
    rows: Sequence[DrawnRow]


def forest_plot(name: str, title: str, rows: Sequence[ForestRow], width: int) -> ForestPlot:
    """Computes a plot of at least one row. `name` must be unique within the page."""
    axis, layout = _axis(rows, width), _Layout(width)
    bottom = layout.top(len(rows))
    return ForestPlot(
        frame=Frame(f"{name}-{width}", width, bottom + AXIS_HEIGHT, title, _description(rows)),
        axis=axis,
        ticks=ticks(axis, axis.round_values(_TICK_GAP), "×"),
        one=axis.pixel(1),
        top=_DIRECTION_HEIGHT,
        bottom=bottom,
        rows=[_drawn(row, axis, layout, index) for index, row in enumerate(rows)],
    )


@dataclass(frozen=True, slots=True)
class _Layout:
    """Vertical positions of the rows. In a narrow plot, texts stand above their row's interval."""

    width: int

    @property
    def is_narrow(self) -> bool:
        return self.width <= NARROW

    def top(self, index: int) -> float:
        return _DIRECTION_HEIGHT + index * (44 if self.is_narrow else 30)

    def middle(self, index: int) -> float:
        return self.top(index) + (32 if self.is_narrow else 15)

    def text(self, index: int) -> float:
        """Returns the base line of a row's texts."""
        return self.top(index) + (16 if self.is_narrow else 19)

    def label_width(self, figures: str) -> float:
        if self.is_narrow:
            return self.width - LETTER_WIDTH * (len(figures) + 1)
        return _WIDEST_LABEL


def _axis(rows: Sequence[ForestRow], width: int) -> Axis:
    values = _values(rows)
    if width <= NARROW:
        return axis_with_margin(values, 20, width - 20)
    labels = min(LETTER_WIDTH * max(len(row.label) for row in rows), _WIDEST_LABEL)
    figures = LETTER_WIDTH * max(len(_figures(row)) for row in rows)
    return axis_with_margin(values, labels + _SEAM, width - figures - _SEAM)


def _values(rows: Sequence[ForestRow]) -> list[float]:
    """Returns the values that the axis has to cover."""
    ratios = [ratio for row in rows for ratio in (row.ratio, row.noise_floor) if ratio]
    estimates = [1.0, *(ratio.estimate for ratio in ratios)]
    lowest, highest = min(estimates) / _FARTHEST, max(estimates) * _FARTHEST
    ends = [end for ratio in ratios for end in (ratio.low, ratio.high)]
    return [*estimates, *_SMALLEST_RANGE, *(min(max(end, lowest), highest) for end in ends)]


def _drawn(row: ForestRow, axis: Axis, layout: _Layout, index: int) -> DrawnRow:
    figures = _figures(row)
    return DrawnRow(
        label=shortened(row.label, int(layout.label_width(figures) / LETTER_WIDTH)),
        figures=figures,
        style=row.style,
        text_y=layout.text(index),
        middle_y=layout.middle(index),
        noise_floor=_band(_span(row.noise_floor, axis)) if row.noise_floor else None,
        interval=_span(row.ratio, axis) if row.ratio else None,
        estimate=axis.pixel(row.ratio.estimate) if row.ratio else None,
    )


def _span(ratio: Ratio, axis: Axis) -> Span:
    return Span(axis.pixel(ratio.low), axis.pixel(ratio.high))


def _band(span: Span) -> Span:
    """Widens a span that would be too thin to see."""
    missing = max(_THINNEST_BAND - (span.right - span.left), 0)
    return Span(span.left - missing / 2, span.right + missing / 2)


def _figures(row: ForestRow) -> str:
    return ratio_with_interval(row.ratio) if row.ratio else row.fallback


def _description(rows: Sequence[ForestRow]) -> str:
    return "; ".join(_row_in_words(row) for row in rows) + "."


def _row_in_words(row: ForestRow) -> str:
    floor = f", noise floor {interval(row.noise_floor)}" if row.noise_floor else ""
    return f"{row.label}: {_figures(row)}{floor}"
