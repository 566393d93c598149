"""The dashboards, in the order in which Grafana's links list them."""

from collections.abc import Callable

from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.dashboards.gateway import gateway
from monitoring.dashboards.load_generator import load_generator
from monitoring.dashboards.overview import overview
from monitoring.dashboards.runtime import runtime
from monitoring.dashboards.technique import technique

DASHBOARDS: tuple[Callable[[], Dashboard], ...] = (
    overview,
    technique,
    gateway,
    load_generator,
    runtime,
)
