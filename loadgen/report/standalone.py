"""The overview as a picture in a file of its own, for a page that cannot show a whole report."""

from xml.etree.ElementTree import tostring

from loadgen.judgement import Judgement
from loadgen.report.elements import element
from loadgen.report.forest import forest
from loadgen.report.overview import TITLE, overview_rows
from loadgen.report.page import STYLE

_WIDTH = 900


def picture(document: Judgement) -> str:
    """The first candidate of each experiment: SVG with its style inside.

    Empty where there is nothing to draw.
    """
    rows = overview_rows(document.with_first_candidates())
    if not rows:
        return ""
    drawn = forest("overview", TITLE, rows, _WIDTH)
    drawn.set("xmlns", "http://www.w3.org/2000/svg")
    style = element("style")
    style.text = STYLE  # not as content: its lines are to stay lines
    drawn.insert(0, style)
    return tostring(drawn, encoding="unicode") + "\n"
