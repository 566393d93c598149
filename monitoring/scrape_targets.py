"""The processes that Prometheus scrapes, and its configuration file."""

from collections.abc import Mapping
from typing import Any

from services.catalog import TECHNIQUES

#: Port by service name, as in compose.yaml.
TARGETS: dict[str, int] = {
    **{technique.name: technique.port for technique in TECHNIQUES},
    "gateway": 8080,
    "loadgen": 8090,
}
RULE_FILES = ("recording.yaml", "alerts.yaml")


def dns_targets() -> list[dict[str, Any]]:
    """Targets found by DNS at run time, for containers.

    The name of a scaled service has one address per replica, and Prometheus scrapes all of them.
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


def static_targets(addresses: Mapping[str, str]) -> list[dict[str, Any]]:
    """Targets at fixed addresses (host:port by service name), for a lab without Docker."""
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
    """Prometheus's configuration file. Prometheus looks for the rule files in the same folder."""
    return {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": "4s" if interval == "5s" else interval,
            "evaluation_interval": interval,
        },
        "rule_files": list(RULE_FILES),
        "scrape_configs": scrape_configs,
    }
