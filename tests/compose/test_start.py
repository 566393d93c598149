"""A cold start: health, privileges, limits, ports and passwords. Then a warm start."""

import orjson
import pytest

from services.catalog import TECHNIQUES
from tests.compose.lab import PUBLISHED, Lab, docker

ONCE = {"settings", "dataset"}
OURS = {technique.name for technique in TECHNIQUES} | {"gateway", "loadgen"}
SERVERS = OURS | {"postgres", "redis", "prometheus", "grafana"}
GIBIBYTE = 2**30


def test_after_a_cold_start_everything_runs_and_is_healthy(lab: Lab) -> None:
    states = {
        name: [container["State"].get("Health", {}).get("Status") for container in containers]
        for name, containers in lab.running().items()
    }
    assert states == {name: ["healthy"] for name in SERVERS}


def test_containers_that_run_once_have_succeeded(lab: Lab) -> None:
    containers = lab.containers()
    assert containers.keys() == SERVERS | ONCE
    for name in ONCE:
        (container,) = containers[name]
        assert (container["State"]["Status"], container["State"]["ExitCode"]) == ("exited", 0)


def test_one_image_is_built_for_all_roles(lab: Lab) -> None:
    containers = lab.containers()
    images = {container["Image"] for name in OURS | ONCE for container in containers[name]}
    assert len(images) == 1
    label = f"label=com.docker.compose.project={lab.project}"
    built = docker("image", "ls", "--quiet", "--no-trunc", "--filter", label).split()
    assert set(built) == images


def test_no_container_is_configured_for_root(lab: Lab) -> None:
    for name, containers in lab.containers().items():
        for container in containers:
            assert container["Config"]["User"] not in {"", "0", "root"}, name


def test_no_process_runs_as_root(lab: Lab) -> None:
    for name, containers in lab.running().items():
        for container in containers:
            _, *processes = docker("top", container["Id"], "-eo", "pid,uid").splitlines()
            users = {process.split()[1] for process in processes}
            assert users, name
            assert "0" not in users, name


def test_no_container_can_write_to_its_root_or_gain_privileges(lab: Lab) -> None:
    for name, containers in lab.containers().items():
        for container in containers:
            host = container["HostConfig"]
            assert host["ReadonlyRootfs"], name
            assert (host["CapDrop"], host["CapAdd"] or []) == (["ALL"], []), name
            assert "no-new-privileges:true" in host["SecurityOpt"], name
            assert not host["Privileged"], name


def test_no_container_can_fill_the_memory_or_the_disk(lab: Lab) -> None:
    for name, containers in lab.containers().items():
        for container in containers:
            host = container["HostConfig"]
            assert 0 < host["Memory"] <= GIBIBYTE, name
            assert host["LogConfig"]["Type"] == "json-file", name
            assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}, name


def test_only_published_services_have_ports_and_only_on_this_machine(lab: Lab) -> None:
    addresses = {
        name: [
            binding["HostIp"]
            for container in containers
            for bindings in container["NetworkSettings"]["Ports"].values()
            for binding in bindings or []
        ]
        for name, containers in lab.running().items()
    }
    assert addresses == {name: ["127.0.0.1"] * (name in PUBLISHED) for name in SERVERS}


@pytest.mark.parametrize(
    ("service", "file"),
    [("postgres", "lab_database_password"), ("caching", "lab_database_password"),
     ("grafana", "admin_password"), ("pagination", "../own-secrets/lab_cursor_secret")],
)  # fmt: skip
def test_a_service_can_read_its_password_but_not_change_it(
    lab: Lab, service: str, file: str
) -> None:
    assert len(lab.compose("exec", "-T", service, "cat", f"/run/secrets/{file}")) >= 32
    finished = lab.run("exec", "-T", service, "sh", "-c", f"echo x > /run/secrets/{file}")
    assert finished.returncode != 0
    assert "Read-only file system" in finished.stderr


def test_no_password_is_visible_in_inspect_config_or_logs(lab: Lab) -> None:
    secret = lab.password()
    admin = lab.compose("exec", "-T", "grafana", "cat", "/run/secrets/admin_password")
    assert secret != admin
    visible = orjson.dumps(lab.containers()).decode() + lab.compose("config") + lab.compose("logs")
    assert secret not in visible
    assert admin not in visible


def test_a_second_start_restarts_nothing_and_loads_nothing(lab: Lab) -> None:
    before = lab.starts()
    lab.up()
    assert lab.starts() == before
    log = lab.compose("logs", "--no-log-prefix", "dataset")
    assert log.count("loading the small data set") == 1
    assert log.splitlines()[-1].endswith("the small data set is loaded already")
