"""The dashboards, in the order of Grafana's links."""

from collections.abc import Callable

from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.dashboards.gateway_traffic import gateway_traffic
from monitoring.dashboards.load_generator import load_generator
from monitoring.dashboards.overview import overview
from monitoring.dashboards.process_runtime import process_runtime
from monitoring.dashboards.technique_details import technique_details

DASHBOARDS: tuple[Callable[[], Dashboard], ...] = (
    overview,
    technique_details,
    gateway_traffic,
    load_generator,
    process_runtime,
)
