"""The parts that all plots share: size, spoken description, tick marks, and the style of each arm.

`forest_plot`, `density_plot` and `sweep_plot` compute positions in pixels. The templates
`templates/*_plot.svg.jinja` draw them as SVG. The colours are CSS classes of `report.css`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from loadgen.judgement import CONTROL, ExperimentJudgement
from loadgen.report.axis import Axis
from loadgen.report.notation import amount

#: Widths of a plot in pixels, for a desktop and for a phone.
WIDE, NARROW = 900, 340
#: Height of the labels below an axis, in pixels.
AXIS_HEIGHT = 24
#: Average width of a letter in pixels, rounded up. The real font is unknown.
LETTER_WIDTH = 7.2
#: Number of colours for candidates. With more candidates, the colours repeat.
_CANDIDATE_STYLES = 4

#: The SVG attribute `text-anchor`: which end of a text lies at its position.
Anchor = Literal["start", "end"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """Size of a plot in pixels, and the texts that a screen reader reads instead of the plot.

    `identifier` must be unique within a page.
    """

    identifier: str
    width: float
    height: float
    title: str
    description: str


class Plot(Protocol):
    """A plot with all positions in pixels. `template` is the name of the template that draws it."""

    template: ClassVar[str]

    @property
    def frame(self) -> Frame: ...


@dataclass(frozen=True, slots=True)
class Figure:
    """The same plot in two widths. The style sheet shows the one that fits the screen.

    One scaled plot would make the letters too small on a phone.
    """

    wide: Plot
    narrow: Plot
    caption: str


def figure(draw: Callable[[int], Plot], caption: str) -> Figure:
    """Calls `draw` with both widths."""
    return Figure(draw(WIDE), draw(NARROW), caption)


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled grid line at a position on an axis."""

    pixel: float
    label: str


def ticks(axis: Axis, values: Sequence[float], unit: str = "") -> list[Tick]:
    return [Tick(axis.pixel(value), f"{amount(value)}{unit}") for value in values]


def arm_styles(experiment: ExperimentJudgement) -> Mapping[str, str]:
    """Returns the CSS classes of each arm, which choose its colour and the shape of its mark."""
    fixed = {experiment.baseline: "arm baseline", CONTROL: "arm control"}
    numbered = {
        arm: f"arm candidate{index % _CANDIDATE_STYLES}"
        for index, arm in enumerate(experiment.candidates)
    }
    return fixed | numbered
