"""Whom Prometheus asks for metrics."""

from collections.abc import Mapping
from typing import Any

from services.catalog import TECHNIQUES

#: Port by name, as in compose.yaml.
TARGETS: dict[str, int] = {
    **{technique.name: technique.port for technique in TECHNIQUES},
    "gateway": 8080,
    "loadgen": 8090,
}
RULE_FILES = ("recording.yaml", "alerts.yaml")


def by_name() -> list[dict[str, Any]]:
    """By name at run time, and not as static targets: a service that is scaled to several replicas
    has an address for each, and every one of them is to be asked.
    """
    return [
        {
            "job_name": "lab",
            "relabel_configs": [{"source_labels": ["__meta_dns_name"], "target_label": "service"}],
            "dns_sd_configs": [
                {"names": [name], "type": "A", "port": port, "refresh_interval": "5s"}
                for name, port in TARGETS.items()
            ],
        }
    ]


def at(addresses: Mapping[str, str]) -> list[dict[str, Any]]:
    """At fixed addresses, host:port by name: for a lab without Docker."""
    return [
        {
            "job_name": "lab",
            "static_configs": [
                {"targets": [address], "labels": {"service": name}}
                for name, address in addresses.items()
            ],
        }
    ]


def configuration(scrape_configs: list[dict[str, Any]], interval: str = "5s") -> dict[str, Any]:
    """Prometheus's configuration file; rule files are looked for beside it."""
    return {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": "4s" if interval == "5s" else interval,
            "evaluation_interval": interval,
        },
        "rule_files": list(RULE_FILES),
        "scrape_configs": scrape_configs,
    }
