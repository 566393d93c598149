"""Draws a plot and finds shapes in it."""

from xml.etree.ElementTree import Element, fromstring

from loadgen.report.plot import Plot
from loadgen.report.rendering import render

_NAMESPACE = "{http://www.w3.org/2000/svg}"


def drawn_svg(plot: Plot) -> Element:
    """Parses the SVG as XML, so that a malformed plot fails. Tags are without a namespace."""
    root = fromstring(render(plot.template, plot=plot))  # noqa: S314 - written by the project
    for each in root.iter():
        each.tag = each.tag.removeprefix(_NAMESPACE)
    return root


def shapes(root: Element, tag: str, css_class: str) -> list[Element]:
    return [each for each in root.iter(tag) if css_class in each.get("class", "").split()]


def positions(elements: list[Element], attribute: str) -> list[float]:
    return [float(each.attrib[attribute]) for each in elements]


def texts(root: Element) -> list[str]:
    return [each.text or "" for each in root.iter("text")]


def points(line: Element) -> list[tuple[float, float]]:
    """Points of a polyline or polygon."""
    pairs = [pair.split(",") for pair in line.attrib["points"].split()]
    return [(float(x), float(y)) for x, y in pairs]
