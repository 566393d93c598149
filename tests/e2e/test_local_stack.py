"""The lab without Docker, as a person starts it: processes, ports, signals, exit codes."""

import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import orjson
import psutil
import pytest

from services.catalog import TECHNIQUES
from tests.conftest import ROOT, until
from tests.running_lab import LOCAL, environment, lab_up

STATE = ROOT / ".lab" / "e2e"
ENVIRONMENT = environment(STATE)

pytestmark = pytest.mark.timeout(180)


def local(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LOCAL, *arguments],
        env=ENVIRONMENT | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as response:  # noqa: S310
        text: str = response.read().decode()
        return text


def test_two_seconds_of_load_through_the_gateway_find_equal_answers(tmp_path: Path) -> None:
    script = (
        "gateway=$(echo $LAB_PORTS | tr , '\\n' | sed -n s/^gateway=//p);"
        f" exec {sys.executable} -m loadgen run --target http://127.0.0.1:$gateway"
        f" --iterations 4 --duration 0.3 --output {tmp_path}"
    )
    finished = local("run", "--", "sh", "-c", script)
    # 4 where this machine was too busy for a verdict: then it said so, and nothing else is wrong.
    assert finished.returncode in {0, 4}, finished.stderr
    judged = orjson.loads((tmp_path / "judgement.json").read_bytes())
    assert list(judged["experiments"]) == [technique.name for technique in TECHNIQUES]
    for name, entry in judged["experiments"].items():
        assert name in finished.stdout
        assert entry["answers_equal"] is True
        assert entry["verdict"] in {"faster", "slower", "no difference shown", "invalid"}
        assert entry["arms"].keys() == {"naive", "optimized", "control"}
        for arm in entry["arms"].values():
            assert 0 < arm["p50_ms"] <= arm["p95_ms"] <= arm["p99_ms"]
            assert arm["requests_per_second"] > 0
            assert arm["errors"] == 0
        for comparison in entry["comparisons"].values():
            ratio = comparison["p50"]
            assert 0 < ratio["low"] <= ratio["estimate"] <= ratio["high"]


def test_the_exit_code_of_the_command_is_passed_on() -> None:
    assert local("run", "--", "sh", "-c", "exit 7").returncode == 7


def test_a_command_that_does_not_exist_is_named() -> None:
    finished = local("run", "--", "no-such-command")
    assert finished.returncode == 2
    assert "no-such-command" in finished.stderr.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_everything_and_the_data_starts_again(number: signal.Signals) -> None:
    for _ in range(2):
        with lab_up(STATE) as (process, addresses):
            children = psutil.Process(process.pid).children(recursive=True)
            assert len(children) >= len(TECHNIQUES) + 4
            assert addresses.keys() >= {"gateway", "loadgen", "caching"}
            process.send_signal(number)
            process.wait(timeout=60)
            assert process.returncode == 0
            assert [child for child in children if child.is_running()] == []


async def test_when_the_supervisor_is_killed_its_processes_end_too() -> None:
    with lab_up(STATE) as (process, _):
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait(timeout=60)
        await until(lambda: not any(child.is_running() for child in children))
        assert process.returncode == -signal.SIGKILL


async def test_a_service_that_dies_is_started_again() -> None:
    with lab_up(STATE) as (process, addresses):
        (caching,) = [
            child
            for child in psutil.Process(process.pid).children()
            if child.cmdline()[-1] == "caching"
        ]
        caching.kill()
        await until(lambda: _answers(addresses["caching"]))
        assert not caching.is_running()


def _answers(address: str) -> bool:
    try:
        return bool(get(f"{address}/caching/optimized?id=1"))
    except OSError:
        return False


async def test_load_runs_on_every_variant_and_is_counted() -> None:
    with lab_up(STATE) as (_, addresses):
        wanted = [
            f'loadgen_requests_total{{outcome="ok",technique="{technique.name}",variant="{name}"}}'
            for technique in TECHNIQUES
            for name in technique.variant_names()
        ]
        await until(lambda: all(name in get(f"{addresses['loadgen']}/metrics") for name in wanted))
        assert 'outcome="error",technique="caching",variant="naive"} 0.0' in get(
            f"{addresses['loadgen']}/metrics"
        )


async def test_a_second_lab_in_the_same_place_is_refused() -> None:
    with lab_up(STATE):
        finished = local("run", "--", "true")
        assert finished.returncode == 2
        assert "running already" in finished.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("LAB_POOL_MAX", "abc", "LAB_POOL_MAX"),
        ("LAB_NO_SUCH", "1", "LAB_NO_SUCH"),
        ("LAB_PORTS", "nobody=1", "nobody"),
        ("LAB_DATASET_SIZE", "huge", "LAB_DATASET_SIZE"),
    ],
)
def test_a_wrong_setting_stops_the_stack_with_one_line(
    name: str, value: str, complaint: str
) -> None:
    finished = local("run", "--", "true", **{name: value})
    assert finished.returncode == 2
    (line,) = finished.stderr.splitlines()
    assert line.startswith("error: ")
    assert complaint in line


@pytest.mark.parametrize(("name", "value"), [("LAB_POOL_MAX", "abc"), ("LAB_NO_SUCH", "1")])
@pytest.mark.parametrize("module", [("services", "caching"), ("gateway",), ("loadgen", "drive")])
def test_a_wrong_setting_stops_a_process_with_one_line(
    module: tuple[str, ...], name: str, value: str
) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", *module],
        env={**ENVIRONMENT, name: value},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 2
    (line,) = finished.stderr.splitlines()
    assert name in line
