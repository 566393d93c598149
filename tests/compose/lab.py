"""A lab in containers as a person runs it: `docker compose`, the published ports, nothing else."""

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
    """One project of this machine's engine, on ports of its own, with the small data set.

    `.env` is read as a person's is, from the folder; what the environment says goes before it.
    """

    def __init__(self, project: str, folder: Path = ROOT) -> None:
        self.project = project
        self._folder = folder
        self._ports: dict[str, int] = {}
        for service in PUBLISHED:
            self._ports[service] = free_port(self._ports.values())

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`docker compose` with these arguments, whatever its exit code is."""
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
        """The same, where a failure is one of the test, with what the containers said last."""
        finished = self.run(*arguments)
        if finished.returncode != 0:
            logs = self.run("logs", "--tail", "20").stdout
            raise AssertionError(f"docker compose {arguments}:\n{finished.stderr}\n{logs}")
        return finished.stdout

    def up(self, *options: str) -> None:
        self.compose("up", "--detach", "--wait", *options)

    def down(self) -> None:
        """Whatever the profile: containers, networks, volumes and the image that was built."""
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans")
        docker("image", "rm", "--force", self.project)

    def containers(self) -> dict[str, list[dict[str, Any]]]:
        """What `docker inspect` says of each container, by the name of its service."""
        found: dict[str, list[dict[str, Any]]] = {}
        identifiers = self.compose("ps", "--all", "--quiet").split()
        for container in orjson.loads(docker("inspect", *identifiers)) if identifiers else []:
            service = container["Config"]["Labels"]["com.docker.compose.service"]
            found.setdefault(service, []).append(container)
        return found

    def running(self) -> dict[str, list[dict[str, Any]]]:
        """The same of those that run: not of what has done its work and ended."""
        return {
            name: containers
            for name, containers in self.containers().items()
            if containers[0]["State"]["Running"]
        }

    def starts(self) -> set[tuple[str, str, int]]:
        """Identifies each start of each running container."""
        return {
            (name, container["State"]["StartedAt"], container["RestartCount"])
            for name, containers in self.running().items()
            for container in containers
        }

    def get(self, path: str, service: str = "gateway", **query: str) -> Answer:
        """Raises OSError when nobody answers."""
        connection = http.client.HTTPConnection(HOST, self._ports[service], timeout=_ANSWER_SECONDS)
        try:
            connection.request("GET", path + (f"?{urlencode(query)}" if query else ""))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def query(self, expression: str) -> dict[tuple[str, ...], float]:
        """What Prometheus finds: value by the values of the labels, ordered by label name."""
        document = self.get("/api/v1/query", "prometheus", query=expression).json()
        return {
            tuple(text for _, text in sorted(series["metric"].items())): float(series["value"][1])
            for series in document["data"]["result"]
        }

    def targets(self) -> list[tuple[str, str]]:
        """Whom Prometheus asks, and how it went: service and health, in alphabetical order."""
        document = self.get("/api/v1/targets", "prometheus").json()
        active = document["data"]["activeTargets"]
        return sorted((target["labels"]["service"], target["health"]) for target in active)

    def password(self) -> str:
        """The database's, as PostgreSQL reads it."""
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
    # With a format: without one, `docker info` succeeds when only the client is there.
    return shutil.which(_DOCKER) is not None and docker("info", "--format", "{{.ID}}").strip() != ""


def leftovers(project: str) -> Iterator[str]:
    """Containers, volumes and networks that the engine still has of a project."""
    label = f"label=com.docker.compose.project={project}"
    yield from docker("ps", "--all", "--quiet", "--filter", label).split()
    yield from docker("volume", "ls", "--quiet", "--filter", label).split()
    yield from docker("network", "ls", "--quiet", "--filter", label).split()
