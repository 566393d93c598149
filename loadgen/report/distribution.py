"""How latencies are spread: for each arm a curve of its own over one logarithmic axis."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from loadgen.report.axes import Axis, spanning
from loadgen.report.elements import Content, element
from loadgen.report.figures import number, shortened
from loadgen.report.pictures import (
    AXIS_HEIGHT,
    LETTER,
    NARROW,
    axis_below,
    group,
    picture,
    text,
    vertical,
)
from loadgen.sending.histogram import Histogram

_LABEL_HEIGHT, _MARKS, _CURVE = 22, 18, 46
#: Farther out there are too few latencies for a shape; words name the slowest.
_OUTER_SHARE = 0.001
_POINTS = 140


@dataclass(frozen=True, slots=True)
class _Panel:
    """The place of one curve: its axis, and the ordinate that its foot stands on."""

    axis: Axis
    top: float
    foot: float


def distribution(
    name: str,
    title: str,
    histograms: Mapping[str, Histogram],
    styles: Mapping[str, str],
    width: int,
) -> Element:
    """Histograms in the order of drawing, none of them empty, at least one."""
    axis = _axis(list(histograms.values()), width)
    room = _label_height(width) + _MARKS + _CURVE
    bottom = room * len(histograms) + 4
    contents: list[Content] = [axis_below(axis, axis.ticks(48), 4, bottom, " ms")]
    for index, (arm, histogram) in enumerate(histograms.items()):
        panel = _Panel(axis, room * index, room * (index + 1))
        contents += [_curve(panel, histogram, styles[arm]), _label(arm, histogram, panel, width)]
    description = "; ".join(f"{arm}: {_words(each)}" for arm, each in histograms.items())
    return picture(name, (width, bottom + AXIS_HEIGHT), title, f"{description}.", *contents)


def _label_height(width: int) -> int:
    return 2 * _LABEL_HEIGHT if width <= NARROW else _LABEL_HEIGHT


def _axis(histograms: Sequence[Histogram], width: int) -> Axis:
    """In milliseconds, over all but the outermost of all arms."""
    ends = [
        each.quantile(share) * 1e3
        for each in histograms
        for share in (_OUTER_SHARE, 1 - _OUTER_SHARE)
    ]
    return spanning(ends, 24, width - 24, 1.3)


def _curve(panel: _Panel, histogram: Histogram, style: str) -> Element:
    shape = density(histogram, panel.axis)
    points = " ".join(f"{x:.1f},{panel.foot - y * _CURVE:.1f}" for x, y in shape)
    left, right = panel.axis.start, panel.axis.end
    area = f"{left:.1f},{panel.foot:.1f} {points} {right:.1f},{panel.foot:.1f}"
    contents = [
        element("polygon", points=area, class_=f"{style} area"),
        element("polyline", points=points, class_=f"{style} curve"),
        *_quantile(panel, histogram, 0.5, style),
        *_quantile(panel, histogram, 0.99, style),
    ]
    return group(contents, "distribution")


def _quantile(panel: _Panel, histogram: Histogram, share: float, style: str) -> list[Element]:
    """Named above the curve; the median to its left, the 99th percentile to its right."""
    x = panel.axis.place(histogram.quantile(share) * 1e3)
    side, anchor = (-4, "end") if share == 0.5 else (4, "start")
    name = f"p{share * 100:.0f}"
    return [
        vertical(x, panel.foot - _CURVE - _MARKS + 2, panel.foot, f"{style} {name}"),
        text(name, x + side, panel.foot - _CURVE - 6, "quantile", anchor),
    ]


def _label(arm: str, histogram: Histogram, panel: _Panel, width: int) -> Element:
    """Name and figures in one line, or below each other where that has no room."""
    y, words = panel.top + 17, _words(histogram)
    if width <= NARROW:
        figures = text(_words(histogram, short=True), 0, y + 18, "figures")
        return group([_name(arm, y, width), figures], "words")
    room = width - LETTER * (len(words) + 1)
    return group([_name(arm, y, room), text(words, width, y, "figures", "end")], "words")


def _name(arm: str, y: float, room: float) -> Element:
    return text(shortened(arm, int(room / LETTER)), 0, y, "label strong")


def _words(histogram: Histogram, *, short: bool = False) -> str:
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "slowest": 1.0}
    told = [
        f"{name} {number(histogram.quantile(share) * 1e3)}"
        for name, share in shares.items()
        if not short or name != "p95"
    ]
    return f"{' · '.join(told)} ms"


def density(histogram: Histogram, axis: Axis) -> list[tuple[float, float]]:
    """Pixels along the axis, and how dense the logarithms of the latencies are there; peak 1.

    A kernel density estimate; the kernel's width is Silverman's rule of thumb ("Density Estimation
    for Statistics and Data Analysis", 1986, equation 3.31), halved: two humps are to stay two.
    """
    step = (axis.end - axis.start) / _POINTS
    counts = [0.0] * (_POINTS + 1)
    for seconds, count in histogram.buckets():
        if axis.low <= seconds * 1e3 <= axis.high:
            counts[round((axis.place(seconds * 1e3) - axis.start) / step)] += count
    smooth = _smoothed(counts, _bandwidth(histogram, axis) / step)
    peak = max(smooth) or 1.0
    return [(axis.start + index * step, value / peak) for index, value in enumerate(smooth)]


def _bandwidth(histogram: Histogram, axis: Axis) -> float:
    """In pixels, at least as far as two points of the curve lie apart."""
    lower, upper = (axis.place(histogram.quantile(share) * 1e3) for share in (0.25, 0.75))
    spread = (upper - lower) / 1.34
    rule: float = 0.9 * spread * histogram.count**-0.2
    return max(rule / 2, (axis.end - axis.start) / _POINTS)


def _smoothed(counts: Sequence[float], width: float) -> list[float]:
    """Under a Gaussian kernel; `width` is its standard deviation, in steps."""
    reach = math.ceil(3 * width)
    kernel = {at: math.exp(-0.5 * (at / width) ** 2) for at in range(-reach, reach + 1)}
    return [
        sum(
            weight * counts[index + at]
            for at, weight in kernel.items()
            if 0 <= index + at < len(counts)
        )
        for index in range(len(counts))
    ]
