"""A sweep plot: the median latency of each arm over a parameter, and where two arms break even.

Both axes are logarithmic. The axes are in `axis`; `templates/sweep_plot.svg.jinja` draws the plot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from loadgen.judgement import BreakEven, SweepJudgement
from loadgen.report.axis import Axis, axis_with_margin, parameter_axis
from loadgen.report.notation import amount, number
from loadgen.report.plot import AXIS_HEIGHT, NARROW, Anchor, Frame, Point, Tick, ticks

#: Height above the plotting area: the name of the vertical axis and the break-even label.
_TOP = 30
#: Smallest distances in pixels between two labels of the horizontal and the vertical axis.
_PARAMETER_GAP, _LATENCY_GAP = 40, 28
#: Smallest width of the break-even band that is still visible.
_THINNEST_BAND = 2.0


@dataclass(frozen=True, slots=True)
class ArmLine:
    """The points of one arm, in pixels. `style` holds the arm's CSS classes."""

    style: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class BreakEvenBand:
    """The break-even value as a line, its interval as a band, and its label, in pixels."""

    pixel: float
    band_left: float
    band_width: float
    label: str
    label_pixel: float
    label_anchor: Anchor


@dataclass(frozen=True, slots=True)
class SweepPlot:
    """A sweep plot with all positions in pixels. `across` and `upward` are its two axes."""

    template: ClassVar[str] = "sweep_plot.svg.jinja"

    frame: Frame
    parameter: str
    across: Axis
    upward: Axis
    parameter_ticks: Sequence[Tick]
    latency_ticks: Sequence[Tick]
    break_even: BreakEvenBand | None
    lines: Sequence[ArmLine]


def sweep_plot(
    name: str, title: str, sweep: SweepJudgement, styles: Mapping[str, str], width: int
) -> SweepPlot:
    """Computes a plot with a line for each arm of `styles`, which holds the arms' CSS classes.

    The sweep needs at least one point with a measured arm. `name` must be unique within the page.
    """
    values = [point.value for point in sweep.points]
    medians = [arm.p50_ms for point in sweep.points for arm in point.arms.values()]
    bottom = _TOP + (220 if width <= NARROW else 280)
    across = parameter_axis(values, 48, width - 26)
    upward = axis_with_margin(medians, bottom, _TOP, 1.3)
    height = bottom + AXIS_HEIGHT + 20
    return SweepPlot(
        frame=Frame(f"{name}-{width}", width, height, title, description(sweep, list(styles))),
        parameter=sweep.parameter,
        across=across,
        upward=upward,
        parameter_ticks=ticks(across, across.thinned(values, _PARAMETER_GAP)),
        latency_ticks=ticks(upward, upward.round_values(_LATENCY_GAP)),
        break_even=_break_even(sweep.break_even, across) if sweep.break_even else None,
        lines=[
            ArmLine(style, _points(sweep, arm, across, upward)) for arm, style in styles.items()
        ],
    )


def _points(sweep: SweepJudgement, arm: str, across: Axis, upward: Axis) -> list[Point]:
    """Returns the arm's points in pixels. Leaves out points at which the arm was not measured."""
    return [
        (across.pixel(point.value), upward.pixel(point.arms[arm].p50_ms))
        for point in sweep.points
        if arm in point.arms
    ]


def _break_even(value: BreakEven, across: Axis) -> BreakEvenBand:
    """Puts the label on the side of the line that has more space."""
    left, pixel, right = map(across.pixel, (value.low, value.estimate, value.high))
    in_right_half = pixel > (across.start + across.end) / 2
    return BreakEvenBand(
        pixel=pixel,
        band_left=left,
        band_width=max(right - left, _THINNEST_BAND),
        label=f"breaks even at {amount(value.estimate)}",
        label_pixel=pixel - 6 if in_right_half else pixel + 6,
        label_anchor="end" if in_right_half else "start",
    )


def description(sweep: SweepJudgement, arms: Sequence[str]) -> str:
    """Returns the medians of the arms at each point, for a screen reader."""
    points = []
    for point in sweep.points:
        medians = [
            f"{arm} {number(point.arms[arm].p50_ms)} ms" for arm in arms if arm in point.arms
        ]
        points.append(f"{sweep.parameter} {amount(point.value)}: {', '.join(medians)}")
    return "; ".join(points) + "."
