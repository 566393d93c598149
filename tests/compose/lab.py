"""A lab in containers, controlled as a user would: by `docker compose` and published ports."""

import http.client
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson

from services.local.ports import HOST, free_port
from tests.conftest import ROOT

PUBLISHED = {"gateway": "GATEWAY_PORT", "prometheus": "PROMETHEUS_PORT", "grafana": "GRAFANA_PORT"}
_DOCKER = shutil.which("docker") or "docker"
_COMMAND_SECONDS = 400
_ANSWER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


class Lab:
    """A compose project with the small data set, on free ports.

    Compose reads `.env` from the folder. Variables of the environment have priority.
    """

    def __init__(self, project: str, folder: Path = ROOT) -> None:
        self.project = project
        self._folder = folder
        self._ports: dict[str, int] = {}
        for service in PUBLISHED:
            self._ports[service] = free_port(self._ports.values())

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `docker compose` with these arguments. The caller checks the exit code."""
        return subprocess.run(
            [_DOCKER, "compose", "--project-name", self.project, *arguments],
            env=self._environment() | environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )

    def compose(self, *arguments: str) -> str:
        """Run `docker compose` and return its output.

        Raises AssertionError with the containers' last log lines when it fails.
        """
        finished = self.run(*arguments)
        if finished.returncode != 0:
            logs = self.run("logs", "--tail", "20").stdout
            raise AssertionError(f"docker compose {arguments}:\n{finished.stderr}\n{logs}")
        return finished.stdout

    def up(self, *options: str) -> None:
        self.compose("up", "--detach", "--wait", *options)

    def down(self) -> None:
        """Remove containers, networks, volumes and the built image, for all profiles."""
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans")
        docker("image", "rm", "--force", self.project)

    def containers(self) -> dict[str, list[dict[str, Any]]]:
        """The output of `docker inspect` for each container, by service name."""
        found: dict[str, list[dict[str, Any]]] = {}
        identifiers = self.compose("ps", "--all", "--quiet").split()
        for container in orjson.loads(docker("inspect", *identifiers)) if identifiers else []:
            service = container["Config"]["Labels"]["com.docker.compose.service"]
            found.setdefault(service, []).append(container)
        return found

    def running(self) -> dict[str, list[dict[str, Any]]]:
        """Like `containers`, without the containers that have ended."""
        return {
            name: containers
            for name, containers in self.containers().items()
            if containers[0]["State"]["Running"]
        }

    def starts(self) -> set[tuple[str, str, int]]:
        """Service name, start time and restart count of each running container."""
        return {
            (name, container["State"]["StartedAt"], container["RestartCount"])
            for name, containers in self.running().items()
            for container in containers
        }

    def get(self, path: str, service: str = "gateway", **query: str) -> Answer:
        """Send a request to a published port. Raises OSError when no server answers."""
        connection = http.client.HTTPConnection(HOST, self._ports[service], timeout=_ANSWER_SECONDS)
        try:
            connection.request("GET", path + (f"?{urlencode(query)}" if query else ""))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def query(self, expression: str) -> dict[tuple[str, ...], float]:
        """The result of a PromQL query: values by label values, which are ordered by label name."""
        document = self.get("/api/v1/query", "prometheus", query=expression).json()
        return {
            tuple(text for _, text in sorted(series["metric"].items())): float(series["value"][1])
            for series in document["data"]["result"]
        }

    def targets(self) -> list[tuple[str, str]]:
        """Service and health of each scrape target of Prometheus, in alphabetical order."""
        document = self.get("/api/v1/targets", "prometheus").json()
        active = document["data"]["activeTargets"]
        return sorted((target["labels"]["service"], target["health"]) for target in active)

    def password(self) -> str:
        """The database password that PostgreSQL reads."""
        return self.compose("exec", "-T", "postgres", "cat", "/run/secrets/lab_database_password")

    def _environment(self) -> dict[str, str]:
        outside = {
            name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")
        }
        ports = {PUBLISHED[service]: str(port) for service, port in self._ports.items()}
        return outside | ports | {"BIND_ADDRESS": HOST, "LAB_DATASET_SIZE": "small"}


def docker(*arguments: str) -> str:
    finished = subprocess.run(
        [_DOCKER, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    return finished.stdout


def engine_answers() -> bool:
    # Without --format, `docker info` also succeeds when only the client is installed.
    return shutil.which(_DOCKER) is not None and docker("info", "--format", "{{.ID}}").strip() != ""


def leftovers(project: str) -> Iterator[str]:
    """Ids of the containers, volumes and networks of a project that still exist."""
    label = f"label=com.docker.compose.project={project}"
    yield from docker("ps", "--all", "--quiet", "--filter", label).split()
    yield from docker("volume", "ls", "--quiet", "--filter", label).split()
    yield from docker("network", "ls", "--quiet", "--filter", label).split()
