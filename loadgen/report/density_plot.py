"""A density plot: for each arm, one curve that shows how often each latency occurred.

All curves share one logarithmic axis. The axis is in `axis`, the latencies come from
`loadgen.sending.histogram`, and `templates/density_plot.svg.jinja` draws the plot.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from loadgen.report.axis import Axis, axis_with_margin
from loadgen.report.notation import number, shortened
from loadgen.report.plot import (
    AXIS_HEIGHT,
    LETTER_WIDTH,
    NARROW,
    Anchor,
    Frame,
    Point,
    Tick,
    ticks,
)
from loadgen.sending.histogram import Histogram

_TEXT_HEIGHT, _QUANTILE_HEIGHT, _CURVE_HEIGHT = 22, 18, 46
#: The axis leaves out this share of the latencies at both ends: too few for a curve.
_OUTER_SHARE = 0.001
_CURVE_STEPS = 140
#: Smallest distance in pixels between two labels of the axis.
_TICK_GAP = 48
_NAMED_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "slowest": 1.0}


@dataclass(frozen=True, slots=True)
class Quantile:
    """A vertical line at a quantile. Its name stands beside the line's upper end."""

    name: str
    pixel: float
    text_pixel: float
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Panel:
    """One arm: its texts, its curve, and its quantiles, with all positions in pixels.

    The latencies in words stand beside the label in a wide plot, and below it in a narrow plot.
    """

    label: str
    latencies: str
    latencies_position: Point
    latencies_anchor: Anchor
    style: str
    label_y: float
    foot: float
    curve: Sequence[Point]
    quantiles: Sequence[Quantile]

    @property
    def quantile_top(self) -> float:
        return self.foot - _CURVE_HEIGHT - _QUANTILE_HEIGHT + 2

    @property
    def quantile_text_y(self) -> float:
        return self.foot - _CURVE_HEIGHT - 6

    @property
    def area(self) -> Sequence[Point]:
        """Returns the curve, closed along the panel's foot."""
        (left, _), (right, _) = self.curve[0], self.curve[-1]
        return [(left, self.foot), *self.curve, (right, self.foot)]


@dataclass(frozen=True, slots=True)
class DensityPlot:
    """A density plot with all positions in pixels."""

    template: ClassVar[str] = "density_plot.svg.jinja"

    frame: Frame
    ticks: Sequence[Tick]
    top: float
    bottom: float
    panels: Sequence[Panel]


def density_plot(
    name: str,
    title: str,
    histograms: Mapping[str, Histogram],
    styles: Mapping[str, str],
    width: int,
) -> DensityPlot:
    """Computes a plot with a panel for each histogram, in the order of `histograms`.

    Needs at least one histogram, and at least one latency in each. `name` must be unique within
    the page. `styles` holds the CSS classes of each arm.
    """
    axis = _axis(list(histograms.values()), width)
    panels = [
        _panel(arm, histogram, axis, styles[arm], width, index)
        for index, (arm, histogram) in enumerate(histograms.items())
    ]
    bottom = panels[-1].foot + 4
    description = "; ".join(f"{arm}: {_in_words(each)}" for arm, each in histograms.items())
    return DensityPlot(
        frame=Frame(f"{name}-{width}", width, bottom + AXIS_HEIGHT, title, f"{description}."),
        ticks=ticks(axis, axis.round_values(_TICK_GAP), " ms"),
        top=4,
        bottom=bottom,
        panels=panels,
    )


def _axis(histograms: Sequence[Histogram], width: int) -> Axis:
    """Returns an axis in milliseconds."""
    ends = [
        _quantile_ms(histogram, share)
        for histogram in histograms
        for share in (_OUTER_SHARE, 1 - _OUTER_SHARE)
    ]
    return axis_with_margin(ends, 24, width - 24, 1.3)


def _quantile_ms(histogram: Histogram, share: float) -> float:
    return histogram.quantile(share) * 1e3


def _panel(arm: str, histogram: Histogram, axis: Axis, style: str, width: int, index: int) -> Panel:
    is_narrow = width <= NARROW
    height = (2 if is_narrow else 1) * _TEXT_HEIGHT + _QUANTILE_HEIGHT + _CURVE_HEIGHT
    foot, label_y = height * (index + 1), height * index + 17
    latencies = _in_words(histogram, without_p95=is_narrow)
    label_width = width if is_narrow else width - LETTER_WIDTH * (len(latencies) + 1)
    return Panel(
        label=shortened(arm, int(label_width / LETTER_WIDTH)),
        latencies=latencies,
        latencies_position=(0, label_y + 18) if is_narrow else (width, label_y),
        latencies_anchor="start" if is_narrow else "end",
        style=style,
        label_y=label_y,
        foot=foot,
        curve=[(x, foot - y * _CURVE_HEIGHT) for x, y in density(histogram, axis)],
        quantiles=_quantiles(histogram, axis),
    )


def _quantiles(histogram: Histogram, axis: Axis) -> list[Quantile]:
    """The median's name stands to its left, the 99th percentile's to its right."""
    p50, p99 = (axis.pixel(_quantile_ms(histogram, share)) for share in (0.5, 0.99))
    return [Quantile("p50", p50, p50 - 4, "end"), Quantile("p99", p99, p99 + 4, "start")]


def _in_words(histogram: Histogram, *, without_p95: bool = False) -> str:
    named = [
        f"{name} {number(_quantile_ms(histogram, share))}"
        for name, share in _NAMED_SHARES.items()
        if not (without_p95 and name == "p95")
    ]
    return f"{' · '.join(named)} ms"


def density(histogram: Histogram, axis: Axis) -> list[Point]:
    """Returns the density of the latencies' logarithms as (pixel, height); the peak has height 1.

    At least one latency must lie on the axis.

    This is a Gaussian kernel density estimate. Its bandwidth is half of Silverman's rule of thumb,
    because the full bandwidth would merge two neighbouring peaks.
    Source: Silverman, "Density Estimation for Statistics and Data Analysis", 1986, equation 3.31.
    """
    step = (axis.end - axis.start) / _CURVE_STEPS
    counts = [0.0] * (_CURVE_STEPS + 1)
    for seconds, count in histogram.buckets():
        if axis.low <= seconds * 1e3 <= axis.high:
            counts[round((axis.pixel(seconds * 1e3) - axis.start) / step)] += count
    smooth = _smoothed(counts, max(_bandwidth(histogram, axis) / step, 1.0))
    peak = max(smooth)
    return [(axis.start + index * step, value / peak) for index, value in enumerate(smooth)]


def _bandwidth(histogram: Histogram, axis: Axis) -> float:
    """Returns the standard deviation of the kernel, in pixels."""
    lower, upper = (axis.pixel(_quantile_ms(histogram, share)) for share in (0.25, 0.75))
    silverman: float = 0.9 * (upper - lower) / 1.34 * histogram.count**-0.2
    return silverman / 2


def _smoothed(counts: Sequence[float], deviation: float) -> list[float]:
    """Convolves the counts with a Gaussian kernel; `deviation` is in steps of the curve."""
    reach = math.ceil(3 * deviation)
    kernel = {
        distance: math.exp(-0.5 * (distance / deviation) ** 2)
        for distance in range(-reach, reach + 1)
    }
    return [
        sum(
            weight * counts[index + distance]
            for distance, weight in kernel.items()
            if 0 <= index + distance < len(counts)
        )
        for index in range(len(counts))
    ]
