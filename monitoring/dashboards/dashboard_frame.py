"""The parts of every dashboard: links, events, time settings, variables and panel numbers."""

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    CustomVariable,
    Dashboard,
    DashboardLink,
    QueryVariable,
    TextBoxVariable,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from monitoring.dashboards.panels import DATA_SOURCE
from services.catalog import TECHNIQUES

TAG = "api-performance-lab"
_ALL = "$__all"
#: Events, shown as vertical lines in every graph: name, colour, expression, text.
_EVENTS = (
    ("Unreachable", "red", "up == 0", "Prometheus cannot reach {{service}}"),
    (
        "Restarts",
        "blue",
        "changes(process_start_time_seconds[30s]) > 0",
        "{{service}} has restarted",
    ),
    ("Alerts", "orange", 'ALERTS{alertstate="firing"}', "{{alertname}} {{service}}{{technique}}"),
)


def frame(uid: str, title: str, description: str) -> Dashboard:
    """A dashboard with the common parts and without panels."""
    dashboard = (
        Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .editable()
        .timezone("browser")
        .time("now-15m", "now")
        .refresh("5s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(_gateway())
        .link(_other_dashboards())
    )
    for name, colour, expression, text in _EVENTS:
        dashboard = dashboard.annotation(_annotation(name, colour, expression, text))
    return dashboard


def numbered(dashboard: Dashboard) -> model.Dashboard:
    """Build the dashboard and number its panels in their order."""
    built = dashboard.build()
    for number, panel in enumerate(built.panels or (), 1):
        panel.id_val = number
    return built


def card_link() -> DashboardLink:
    return link("The technique's card", "${gateway}/${technique}")


def details_link() -> DashboardLink:
    return link("Details", "/d/technique?var-technique=${technique}&${__url_time_range}")


def link(title: str, address: str) -> DashboardLink:
    return DashboardLink(title).type(DashboardLinkType.LINK).url(address).icon("external link")


def technique_variable(many: bool) -> CustomVariable:
    """A variable with all techniques in the order of the catalog; `many` allows several values."""
    options = [
        VariableOption(text=each.title, value=each.name, selected=False) for each in TECHNIQUES
    ]
    first = VariableOption(text="All", value=_ALL, selected=True) if many else options[0]
    return (
        CustomVariable("technique")
        .label("Technique")
        .values(", ".join(f"{each.title} : {each.name}" for each in TECHNIQUES))
        .options(options)
        .current(first)
        .multi(many)
        .include_all(many)
    )


def label_variable(
    name: str, title: str, series: str, label: str, hide: VariableHide, regex: str = ""
) -> QueryVariable:
    """A variable with the present values of the label in the series. Initially all are selected."""
    text = f"label_values({series}, {label})"
    return (
        QueryVariable(name)
        .label(title)
        .datasource(DATA_SOURCE)
        .query({"query": text, "refId": f"variable-{name}"})
        .definition(text)
        .regex(regex)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .current(VariableOption(text="All", value=_ALL, selected=True))
        .hide(hide)
    )


def _gateway() -> TextBoxVariable:
    # The links to cards use this address. It is a text box because .env can change the port.
    address = "http://127.0.0.1:8080"
    return (
        TextBoxVariable("gateway")
        .label("Gateway")
        .default_value(address)
        .current(VariableOption(text=address, value=address, selected=True))
        .hide(VariableHide.HIDE_VARIABLE)
    )


def _other_dashboards() -> DashboardLink:
    return (
        DashboardLink("API Performance Lab")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .keep_time(True)
        .as_dropdown(False)
    )


def _annotation(name: str, colour: str, expression: str, text: str) -> AnnotationQuery:
    return (
        AnnotationQuery()
        .name(name)
        .datasource(DATA_SOURCE)
        .enable(True)
        .hide(False)
        .icon_color(colour)
        .target(Dataquery().expr(expression).interval("5s").ref_id("Event"))
        .title_format(name)
        .text_format(text)
    )
