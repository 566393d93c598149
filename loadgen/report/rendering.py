"""Renders the templates of the HTML report and of its plots.

The templates are in `templates/`. `html_report` and `run_overview` call `render`.
"""

from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from loadgen.report.notation import amount, number, printable
from loadgen.report.plot import Point

STYLE = files("loadgen.report").joinpath("report.css").read_text("utf-8")


def render(template: str, **values: object) -> str:
    """Fills a template in. Raises jinja2.UndefinedError if the template uses an unknown name."""
    return _ENVIRONMENT.get_template(template).render(values)


def _without_control_characters(value: object) -> object:
    """Is applied to each value before Jinja escapes it. Output of macros is safe already."""
    return value if isinstance(value, Markup) else printable(str(value))


def _pixels(value: float) -> str:
    """Rounds a position to a tenth of a pixel, the smallest visible distance."""
    return f"{round(value, 1):g}"


def _points(points: Sequence[Point]) -> str:
    """Formats the attribute `points` of an SVG polyline."""
    return " ".join(f"{_pixels(x)},{_pixels(y)}" for x, y in points)


def environment() -> Environment:
    """Returns the environment of the templates, with the filters that they use."""
    result = Environment(
        loader=PackageLoader("loadgen", "report/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_without_control_characters,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    result.filters |= {
        "amount": amount,
        "number": number,
        "pixels": _pixels,
        "points": _points,
        "thousands": "{:,}".format,
    }
    return result


_ENVIRONMENT = environment()
