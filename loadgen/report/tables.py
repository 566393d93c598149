"""Tables of the page."""

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element

from loadgen.report.elements import Content, element, elements
from loadgen.report.pictures import marker

_BADGES = {"faster": "faster", "slower": "slower", "invalid": "invalid"}


def table(head: Sequence[Content], rows: Iterable[Sequence[Content]]) -> Element:
    """The first cell of each row is its name."""
    body = [
        element("tr", element("th", row[0], scope="row"), *(cell(each) for each in row[1:]))
        for row in rows
    ]
    columns = [element("th", name, scope="col") for name in head]
    return element("table", element("thead", element("tr", *columns)), element("tbody", *body))


def cell(content: Content) -> Element:
    """A content that is a cell already stays as it is."""
    if isinstance(content, Element) and content.tag == "td":
        return content
    return element("td", content)


def words(content: Content, class_: str = "words") -> Element:
    """A cell of text among cells of numbers."""
    return element("td", content, class_=class_)


def scrolling(content: Element, label: str) -> Element:
    """A table that is wider than a phone is scrolled by itself, by keyboard, too."""
    return element("div", content, class_="scroll", role="region", aria_label=label, tabindex="0")


def badge(verdict: str) -> Element:
    return element("span", verdict, class_=f"verdict {_BADGES.get(verdict, 'none')}")


def swatch(style: str) -> Element:
    """The arm's line and shape as the pictures draw them."""
    line = element("line", x1=0, x2=22, y1=6, y2=6, class_=f"{style} curve")
    return element(
        "svg", line, marker(style, 11, 6), class_="swatch", viewBox="0 0 22 12", aria_hidden="true"
    )


def legend(styles: Iterable[tuple[str, str]]) -> Element:
    """Arms with their classes."""
    items = (element("span", swatch(style), arm) for arm, style in styles)
    return element("ul", *elements("li", items), class_="legend")
