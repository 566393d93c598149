"""Start a real Prometheus and query it over HTTP."""

import json
import math
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from monitoring.generated_files import GENERATED, HERE
from monitoring.scrape_targets import RULE_FILES, configuration, static_targets
from services.local.ports import free_port

RULES = HERE / GENERATED / "prometheus"


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus at an address."""

    address: str

    def get(self, path: str, **parameters: str) -> Any:
        """The data of a response. Raises HTTPError for a wrong query."""
        url = f"{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310
            return json.load(response)["data"]

    def label_values(self, series: str, label: str) -> list[str]:
        values: list[str] = self.get(f"label/{label}/values", **{"match[]": series})
        return sorted(values)

    def instant(self, expression: str) -> int:
        """The number of series whose present value is finite."""
        result = self.get("query", query=expression)["result"]
        return sum(_is_number(each["value"]) for each in result)

    def over_time(self, expression: str, seconds: float, step: float) -> int:
        """The number of series with a finite value at any step of the last `seconds`."""
        now = time.time()
        times = {"start": f"{now - seconds}", "end": f"{now}", "step": f"{step}"}
        result = self.get("query_range", query=expression, **times)["result"]
        return sum(any(map(_is_number, each["values"])) for each in result)


def _is_number(sample: list[Any]) -> bool:
    return math.isfinite(float(sample[1]))


@contextmanager
def prometheus_watching(addresses: Mapping[str, str], folder: Path) -> Iterator[Prometheus]:
    """Start a Prometheus that scrapes these addresses (host:port by name) with the lab's rules."""
    (folder / "prometheus.yaml").write_text(
        yaml.safe_dump(configuration(static_targets(addresses)))
    )
    for name in RULE_FILES:
        shutil.copy(RULES / name, folder)
    port = free_port()
    arguments = [
        "prometheus",
        f"--config.file={folder}/prometheus.yaml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(arguments, stderr=log) as process:
        try:
            yield _ready(Prometheus(f"http://127.0.0.1:{port}"), process)
        finally:
            process.terminate()


def _ready(prometheus: Prometheus, process: "subprocess.Popen[bytes]") -> Prometheus:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            prometheus.get("status/buildinfo")
        except OSError:
            time.sleep(0.05)
        else:
            return prometheus
    raise AssertionError("Prometheus did not start within 30 s")
