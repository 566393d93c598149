"""Requests through the gateway are answered, counted and visible in Prometheus."""

import pytest

from services.catalog import TECHNIQUES
from tests.compose.lab import Lab
from tests.conftest import until

VARIANTS = [(each.name, variant) for each in TECHNIQUES for variant in each.variant_names()]


@pytest.mark.parametrize(("technique", "variant"), VARIANTS)
def test_every_variant_answers_through_the_gateway(lab: Lab, technique: str, variant: str) -> None:
    answer = lab.get(f"/{technique}/{variant}")
    assert answer.status == 200
    assert answer.body


def test_everything_is_ready(lab: Lab) -> None:
    answer = lab.get("/readyz")
    assert answer.status == 200
    assert answer.json()["dependencies"].keys() == {each.name for each in TECHNIQUES}


async def test_every_target_of_prometheus_is_up(lab: Lab) -> None:
    names = sorted([*(each.name for each in TECHNIQUES), "gateway", "loadgen"])
    await until(lambda: lab.targets() == [(name, "up") for name in names], seconds=60)


async def test_load_runs_on_every_variant_without_errors(lab: Lab) -> None:
    def sent(outcome: str) -> dict[tuple[str, ...], float]:
        return lab.query(
            f'sum by (technique, variant) (loadgen_requests_total{{outcome="{outcome}"}}) > 0'
        )

    await until(lambda: sent("ok").keys() == set(VARIANTS), seconds=90)
    assert sent("error") == {}


async def test_a_request_is_counted_by_the_service_that_answered_it(lab: Lab) -> None:
    counted = (
        "http_server_request_duration_seconds_count"
        '{technique="caching",variant="card",http_response_status_code="200"}'
    )
    before = sum(lab.query(counted).values())
    assert lab.get("/caching").status == 200
    await until(lambda: sum(lab.query(counted).values()) == before + 1, seconds=30)


def test_promtool_accepts_configuration_and_rules(lab: Lab) -> None:
    command = ("promtool", "check", "config", "/etc/prometheus/prometheus.yaml")
    finished = lab.run("exec", "-T", "prometheus", *command)
    assert finished.returncode == 0
    assert "SUCCESS" in finished.stdout
    assert "FAILED" not in finished.stdout + finished.stderr


def test_grafana_is_alive(lab: Lab) -> None:
    # Without a registry, the image may be a stand-in. Then this test only proves that provisioning
    # files and dashboards are mounted and readable, not that Grafana understands them.
    answer = lab.get("/api/health", "grafana")
    assert answer.status == 200
    assert answer.json()["database"] == "ok"
