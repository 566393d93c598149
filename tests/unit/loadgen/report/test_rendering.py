"""Templates fail on unknown names, and values from outside cannot become markup."""

import tomllib
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from loadgen.report.rendering import environment, render

ROOT = Path(__file__).parents[4]


def rendered(source: str, **values: object) -> str:
    return environment().from_string(source).render(values)


def test_values_are_escaped() -> None:
    assert rendered('<p title="{{ value }}">', value="\"<'&") == '<p title="&#34;&lt;&#39;&amp;">'


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\n", "\u202e", "\u200f", "\ud800"])
def test_control_characters_are_replaced(character: str) -> None:
    assert rendered("{{ value }}", value=f"a{character}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_control_characters_are_replaced_inside_macros_and_filters() -> None:
    source = "{% macro bold(text) %}<b>{{ text }}</b>\n{% endmacro %}{{ bold(value) }}"
    assert rendered(source, value="<\x1b") == "<b>&lt;\N{REPLACEMENT CHARACTER}</b>\n"
    assert rendered("{{ value|upper }}", value="a\x1b") == "A\N{REPLACEMENT CHARACTER}"


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="value"):
        rendered("{{ value }}")
    with pytest.raises(UndefinedError, match="title"):
        rendered("{{ value.title }}", value=1)


def test_markup_stays_markup() -> None:
    assert rendered("{{ value }}", value=Markup("<b>\n</b>")) == "<b>\n</b>"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (1.04, "1"), (1.06, "1.1"), (123.44, "123.4"), (1000.06, "1000.1")],
)
def test_positions_are_rounded_to_a_tenth_of_a_pixel(value: float, text: str) -> None:
    assert rendered("{{ value|pixels }}", value=value) == text


def test_points_are_pairs_of_positions() -> None:
    assert rendered("{{ value|points }}", value=[(1, 2.25), (3.06, 4)]) == "1,2.2 3.1,4"


def test_counts_have_a_separator_for_thousands() -> None:
    assert rendered("{{ value|thousands }}", value=12345) == "12,345"


def test_lines_with_statements_leave_no_blank_lines() -> None:
    assert rendered("{% if true %}\nyes\n  {% endif %}\nend") == "yes\nend"


def test_a_template_is_rendered_by_its_name() -> None:
    with pytest.raises(UndefinedError, match="plot"):
        render("forest_plot.svg.jinja")
    assert render("shapes.svg.jinja").strip() == ""


def test_an_installed_package_contains_all_templates() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["loadgen"]
    installed = {path for pattern in patterns for path in (ROOT / "loadgen").glob(pattern)}
    templates = set((ROOT / "loadgen/report/templates").iterdir())
    assert len(templates) >= 10
    assert templates | {ROOT / "loadgen/report/report.css"} <= installed
