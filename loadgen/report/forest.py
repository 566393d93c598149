"""A forest plot: a line for each ratio with its interval, before the noise floor's band and 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from loadgen.judgement import Ratio
from loadgen.report.axes import Axis, spanning
from loadgen.report.elements import Content
from loadgen.report.figures import interval, shortened, times
from loadgen.report.pictures import (
    AXIS_HEIGHT,
    LETTER,
    NARROW,
    axis_below,
    box,
    group,
    horizontal,
    marker,
    picture,
    text,
    vertical,
)

_WIDEST_LABEL = 280
_SEAM = 24
_DIRECTION = 22
#: An interval reaches further than this factor beyond all estimates only to the picture's edge.
_FARTHEST = 6.0


@dataclass(frozen=True, slots=True)
class Row:
    """`style` is the arm's colour; without a ratio `instead` is written in its place."""

    label: str
    ratio: Ratio | None
    noise: Ratio | None
    style: str
    instead: str = ""


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where it is narrow, words stand above their line and not beside it."""

    axis: Axis
    width: int

    @property
    def narrow(self) -> bool:
        return self.width <= NARROW

    def top(self, index: int) -> float:
        return _DIRECTION + index * (44 if self.narrow else 30)

    def middle(self, index: int) -> float:
        return self.top(index) + (32 if self.narrow else 15)

    def words(self, index: int) -> float:
        """On which line letters stand."""
        return self.top(index) + (16 if self.narrow else 19)


def forest(name: str, title: str, rows: Sequence[Row], width: int) -> Element:
    """Later elements cover earlier ones: the bands lie behind the line at 1, the marks before."""
    frame = _Frame(_axis(rows, width), width)
    axis, bottom = frame.axis, frame.top(len(rows))
    contents: list[Content] = [
        _directions(axis),
        axis_below(axis, axis.ticks(44), _DIRECTION, bottom, "×"),
        *(_noise(row.noise, axis, frame.middle(index)) for index, row in enumerate(rows)),
        vertical(axis.place(1), _DIRECTION, bottom, "one"),
        *(_row(row, frame, index) for index, row in enumerate(rows)),
    ]
    return picture(name, (width, bottom + AXIS_HEIGHT), title, _description(rows), *contents)


def _axis(rows: Sequence[Row], width: int) -> Axis:
    ratios = [row.ratio for row in rows if row.ratio]
    floors = [row.noise for row in rows if row.noise]
    estimates = [1.0, *(each.estimate for each in (*ratios, *floors))]
    lowest, highest = min(estimates) / _FARTHEST, max(estimates) * _FARTHEST
    ends = [end for each in (*ratios, *floors) for end in (each.low, each.high)]
    inside = [min(max(end, lowest), highest) for end in ends]
    # Never less than this: a picture of one percent would make a mountain of nothing.
    values = [*estimates, *inside, 0.9, 1.1]
    if width <= NARROW:
        return spanning(values, 20, width - 20)
    figures = LETTER * max(len(_figures(row)) for row in rows)
    return spanning(values, _label_width(rows) + _SEAM, width - figures - _SEAM)


def _label_width(rows: Sequence[Row]) -> float:
    return min(LETTER * max(len(row.label) for row in rows), _WIDEST_LABEL)


def _directions(axis: Axis) -> Element:
    x = axis.place(1)
    contents = [
        text("← worse", x - 8, 12, "direction", "end") if x - axis.start > 60 else None,
        text("better →", x + 8, 12, "direction") if axis.end - x > 60 else None,
    ]
    return group(contents, "directions")


def _row(row: Row, frame: _Frame, index: int) -> Element:
    y, figures = frame.words(index), _figures(row)
    beside = frame.width - LETTER * (len(figures) + 1)
    room = beside if frame.narrow else _WIDEST_LABEL
    contents = [
        text(shortened(row.label, int(room / LETTER)), 0, y, "label"),
        text(figures, frame.width, y, "figures", "end"),
        *_whisker(row, frame.axis, frame.middle(index)),
    ]
    return group(contents, "row")


def _figures(row: Row) -> str:
    return times(row.ratio) if row.ratio else row.instead


def _noise(floor: Ratio | None, axis: Axis, middle: float) -> Element | None:
    """A narrow floor is still to be seen."""
    if floor is None:
        return None
    left, right = axis.place(floor.low), axis.place(floor.high)
    spread = max(right - left, 2.0)
    return box((left + right - spread) / 2, middle - 10, spread, 20, "noise")


def _whisker(row: Row, axis: Axis, middle: float) -> list[Element]:
    if row.ratio is None:
        return []
    left, right = axis.place(row.ratio.low), axis.place(row.ratio.high)
    return [
        horizontal(middle, left, right, f"{row.style} whisker"),
        marker(row.style, axis.place(row.ratio.estimate), middle),
    ]


def _description(rows: Sequence[Row]) -> str:
    return "; ".join(_words(row) for row in rows) + "."


def _words(row: Row) -> str:
    floor = f", noise floor {interval(row.noise)}" if row.noise else ""
    return f"{row.label}: {_figures(row)}{floor}"
