"""Elements of HTML and SVG put together as a tree, so that nothing from outside stays unescaped."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

from loadgen.report.figures import printable

Content = Element | str | None
Attribute = str | float | None


def element(tag: str, *contents: Content, **attributes: Attribute) -> Element:
    """`class_` and `stroke_width` are written as `class` and `stroke-width`; None is left out."""
    result = Element(tag, _written(attributes))
    for content in contents:
        append(result, content)
    return result


def elements(tag: str, contents: Iterable[Content], **attributes: Attribute) -> list[Element]:
    """One element of the kind around each."""
    return [element(tag, content, **attributes) for content in contents]


def append(parent: Element, content: Content) -> None:
    if isinstance(content, str):
        _append_text(parent, printable(content))
    elif content is not None:
        parent.append(content)


def _append_text(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _written(attributes: dict[str, Attribute]) -> dict[str, str]:
    return {
        name.rstrip("_").replace("_", "-"): _attribute(value)
        for name, value in attributes.items()
        if value is not None
    }


def _attribute(value: str | float) -> str:
    """A tenth of a pixel is finer than anybody sees."""
    return printable(value) if isinstance(value, str) else f"{round(value, 1):g}"


def markup(root: Element) -> str:
    """As HTML, which SVG inside a page is, too."""
    return tostring(root, encoding="unicode", method="html")
