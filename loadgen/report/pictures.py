"""What all pictures have in common: SVG that stands in a page, follows its colours and is read out.

Colours are classes that the page's style knows; a picture is drawn once wide and once narrow, and
the style shows the one that fits, so that letters keep their size on a phone.
"""

from collections.abc import Callable, Mapping, Sequence
from xml.etree.ElementTree import Element

from loadgen.judgement import CONTROL, ExperimentJudgement
from loadgen.report.axes import Axis
from loadgen.report.elements import Content, element
from loadgen.report.figures import amount

WIDE, NARROW = 900, 340
AXIS_HEIGHT = 24
#: Of a letter, on average and not less: there is no font to measure with.
LETTER = 7.2


def responsive(draw: Callable[[int], Element], caption: str) -> Element:
    """A figure with both widths of a picture, of which one is shown."""
    return element(
        "figure",
        element("div", draw(WIDE), class_="wide"),
        element("div", draw(NARROW), class_="narrow"),
        element("figcaption", caption),
    )


def picture(
    name: str, size: tuple[float, float], title: str, description: str, *contents: Content
) -> Element:
    """An image for whoever hears the page: the description says what is to be seen.

    `name` has to be a page's only one.
    """
    width, height = size
    identifier = f"{name}-{width:g}"
    return element(
        "svg",
        element("title", title, id=f"{identifier}-title"),
        element("desc", description, id=f"{identifier}-description"),
        *contents,
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        role="img",
        aria_labelledby=f"{identifier}-title {identifier}-description",
    )


def group(contents: Sequence[Content], class_: str) -> Element:
    return element("g", *contents, class_=class_)


def text(content: str, x: float, y: float, class_: str = "", anchor: str = "start") -> Element:
    return element("text", content, x=x, y=y, text_anchor=anchor, class_=class_ or None)


def vertical(x: float, top: float, bottom: float, class_: str) -> Element:
    return element("line", x1=x, x2=x, y1=top, y2=bottom, class_=class_)


def horizontal(y: float, left: float, right: float, class_: str) -> Element:
    return element("line", x1=left, x2=right, y1=y, y2=y, class_=class_)


def box(x: float, y: float, width: float, height: float, class_: str) -> Element:
    return element("rect", x=x, y=y, width=width, height=height, class_=class_)


def axis_below(
    axis: Axis, ticks: Sequence[float], top: float, bottom: float, unit: str = ""
) -> Element:
    """Lines through the whole picture, and their values below."""
    contents: list[Content] = []
    for tick in ticks:
        x = axis.place(tick)
        contents += [
            vertical(x, top, bottom, "grid"),
            text(f"{amount(tick)}{unit}", x, bottom + 16, "tick", "middle"),
        ]
    return group(contents, "axis")


def axis_beside(axis: Axis, ticks: Sequence[float], left: float, right: float) -> Element:
    contents: list[Content] = []
    for tick in ticks:
        y = axis.place(tick)
        contents += [
            horizontal(y, left, right, "grid"),
            text(amount(tick), left - 6, y + 4, "tick", "end"),
        ]
    return group(contents, "axis")


def arm_classes(experiment: ExperimentJudgement) -> Mapping[str, str]:
    """Which colour an arm has: the same in all pictures of a page."""
    fixed = {experiment.baseline: "arm baseline", CONTROL: "arm control"}
    numbered = {arm: f"arm candidate{at % 4}" for at, arm in enumerate(experiment.candidates)}
    return fixed | numbered


def marker(class_: str, x: float, y: float) -> Element:
    """A shape for each colour, for eyes and printers that see none."""
    if class_.endswith("baseline"):
        return element("rect", x=x - 4, y=y - 4, width=8, height=8, class_=f"{class_} mark")
    if class_.endswith("control"):
        return element("circle", cx=x, cy=y, r=3, class_=f"{class_} mark")
    if class_.endswith("candidate0"):
        return element("circle", cx=x, cy=y, r=5, class_=f"{class_} mark")
    return element("path", d=_SHAPES[class_[-1]].format(x=x, y=y), class_=f"{class_} mark")


_SHAPES = {
    "1": "M{x:.1f} {y:.1f}m0 -6l6 6l-6 6l-6 -6z",
    "2": "M{x:.1f} {y:.1f}m0 -6l6 10h-12z",
    "3": "M{x:.1f} {y:.1f}m0 6l6 -10h-12z",
}
