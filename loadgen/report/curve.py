"""A sweep: the median of each arm over a parameter, both logarithmic, and where they meet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from loadgen.judgement import BreakEven, SweepJudgement
from loadgen.report.axes import Axis, spanning, spanning_from_zero
from loadgen.report.elements import Content, element
from loadgen.report.figures import amount, number
from loadgen.report.pictures import (
    AXIS_HEIGHT,
    NARROW,
    axis_below,
    axis_beside,
    box,
    group,
    marker,
    picture,
    text,
    vertical,
)

_TOP = 30


@dataclass(frozen=True, slots=True)
class _Plane:
    across: Axis
    upward: Axis

    def point(self, value: float, milliseconds: float) -> tuple[float, float]:
        return self.across.place(value), self.upward.place(milliseconds)


def curve(
    name: str, title: str, sweep: SweepJudgement, styles: Mapping[str, str], width: int
) -> Element:
    """The points' arms in the order of `styles`; at least one point."""
    plane = _plane(sweep, width)
    across, upward = plane.across, plane.upward
    values = [point.value for point in sweep.points]
    contents: list[Content] = [
        text("p50 ms", 0, 14, "direction"),
        text(f"{sweep.parameter} →", across.end, upward.start + 36, "direction", "end"),
        axis_below(across, across.labelled(values, 40), upward.end, upward.start),
        axis_beside(upward, upward.ticks(28), across.start, across.end),
        _break_even(sweep.break_even, plane),
        *(_arm(arm, style, sweep, plane) for arm, style in styles.items()),
    ]
    size = (width, upward.start + AXIS_HEIGHT + 20)
    return picture(name, size, title, description(sweep, list(styles)), *contents)


def _plane(sweep: SweepJudgement, width: int) -> _Plane:
    bottom = _TOP + (220 if width <= NARROW else 280)
    values = [point.value for point in sweep.points]
    medians = [arm.p50_ms for point in sweep.points for arm in point.arms.values()]
    across = spanning_from_zero(values, 48, width - 26)
    return _Plane(across, spanning(medians, bottom, _TOP, 1.3))


def _arm(arm: str, style: str, sweep: SweepJudgement, plane: _Plane) -> Element:
    places = [
        plane.point(point.value, point.arms[arm].p50_ms)
        for point in sweep.points
        if arm in point.arms
    ]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    line = element("polyline", points=points, class_=f"{style} curve")
    return group([line, *(marker(style, x, y) for x, y in places)], "line")


def _break_even(place: BreakEven | None, plane: _Plane) -> Element | None:
    """The line with the interval's band behind it."""
    if place is None:
        return None
    bottom, top = plane.upward.start, plane.upward.end
    left, x, right = map(plane.across.place, (place.low, place.estimate, place.high))
    beyond_middle = x > (plane.across.start + plane.across.end) / 2
    words = f"breaks even at {amount(place.estimate)}"
    side, anchor = (-6, "end") if beyond_middle else (6, "start")
    contents = [
        box(left, top, max(right - left, 2.0), bottom - top, "noise"),
        vertical(x, top, bottom, "one"),
        text(words, x + side, top - 6, "strong", anchor),
    ]
    return group(contents, "break-even")


def description(sweep: SweepJudgement, arms: Sequence[str]) -> str:
    told = []
    for point in sweep.points:
        medians = [
            f"{arm} {number(point.arms[arm].p50_ms)} ms" for arm in arms if arm in point.arms
        ]
        told.append(f"{sweep.parameter} {amount(point.value)}: {', '.join(medians)}")
    return "; ".join(told) + "."
