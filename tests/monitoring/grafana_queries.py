"""The queries that Grafana derives from a dashboard: variables, repeated panels, intervals."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

#: `timeInterval` of the data source in monitoring/grafana/provisioning.
SCRAPE_SECONDS = 5
#: Points of a panel that is as wide as a screen.
MAXIMUM_POINTS = 1000

Dashboard = dict[str, Any]
Panel = dict[str, Any]
#: The selected values of each variable.
Chosen = Mapping[str, tuple[str, ...]]
LabelValues = Callable[[str, str], list[str]]


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """A query as Prometheus receives it, and the title of its panel."""

    title: str
    expression: str
    instant: bool


def rate_interval(seconds: float) -> int:
    """The value of `$__rate_interval` in seconds, for a time range in seconds."""
    interval = max(SCRAPE_SECONDS, round(seconds / MAXIMUM_POINTS))
    return max(interval + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)


def panels(dashboard: Dashboard) -> list[Panel]:
    """The panels without the rows between them."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def choices(
    dashboard: Dashboard, label_values: LabelValues
) -> Iterator[dict[str, tuple[str, ...]]]:
    """The selections of variables: all values at once if possible, otherwise one at a time."""
    names, values = [], []
    for variable in dashboard["templating"]["list"]:
        names.append(variable["name"])
        values.append(variable)
    yield from _chosen(values, {}, label_values)


def _chosen(
    variables: list[dict[str, Any]], before: Chosen, label_values: LabelValues
) -> Iterator[dict[str, tuple[str, ...]]]:
    if not variables:
        yield dict(before)
        return
    variable, *rest = variables
    options = _options(variable, before, label_values)
    alternatives = [tuple(options)] if variable.get("multi") else [(each,) for each in options]
    for alternative in alternatives:
        yield from _chosen(rest, {**before, variable["name"]: alternative}, label_values)


def _options(variable: dict[str, Any], chosen: Chosen, label_values: LabelValues) -> list[str]:
    match variable["type"]:
        case "custom":
            pairs = variable["query"].split(", ")
            return [pair.split(" : ")[1] for pair in pairs]
        case "query":
            text = interpolated(variable["query"]["query"], chosen)
            series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", text).groups()  # type: ignore[union-attr]
            wanted = re.compile(variable["regex"].strip("/") if variable.get("regex") else "")
            return [value for value in label_values(series, label) if wanted.search(value)]
        case "textbox":
            return [variable["query"]]
    raise AssertionError(f"variables of type {variable['type']} are not supported here")


def interpolated(text: str, chosen: Chosen, seconds: float = 900) -> str:
    """The text with the values of its variables. Several values become a regular expression."""
    for name, values in chosen.items():
        joined = values[0] if len(values) == 1 else f"({'|'.join(values)})"
        text = re.sub(rf"\$\{{{name}(:\w+)?\}}|\${name}\b", lambda _, to=joined: to, text)  # type: ignore[misc]
    return text.replace("$__rate_interval", f"{rate_interval(seconds)}s")


def panel_queries(dashboard: Dashboard, panel: Panel, chosen: Chosen) -> Iterator[PanelQuery]:
    """The queries of a panel, once per value of the variables that repeat the panel."""
    repeated = [
        name for name in (_row_of(dashboard, panel).get("repeat"), panel.get("repeat")) if name
    ]
    for values in product(*(chosen[name] for name in repeated)):
        here = {**chosen, **{name: (value,) for name, value in zip(repeated, values, strict=True)}}
        for target in panel["targets"]:
            title = f"{interpolated(panel['title'], here)} {target['refId']}"
            place = " · ".join((*values, title) if values else (title,))
            expression = interpolated(target["expr"], here)
            yield PanelQuery(place, expression, bool(target.get("instant")))


def _row_of(dashboard: Dashboard, panel: Panel) -> Panel:
    row: Panel = {}
    for each in dashboard["panels"]:
        if each["type"] == "row":
            row = each
        if each is panel:
            return row
    raise AssertionError("the panel belongs to another dashboard")
