"""The lab without Docker, started as a user would: processes, ports, signals, exit codes."""

import signal
import subprocess
import sys
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


def test_a_short_run_through_the_gateway_judges_every_technique(tmp_path: Path) -> None:
    script = (
        "gateway=$(echo $LAB_PORTS | tr , '\\n' | sed -n s/^gateway=//p);"
        f" exec {sys.executable} -m loadgen run --target http://127.0.0.1:$gateway"
        f" --iterations 4 --duration 0.1 --output {tmp_path}"
    )
    finished = local("run", "--", "sh", "-c", script)
    # Exit code 4: the machine was too busy for a verdict. Everything else must still hold.
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


def test_run_exits_with_the_code_of_its_command() -> None:
    assert local("run", "--", "sh", "-c", "exit 7").returncode == 7


def test_a_missing_command_is_named() -> None:
    finished = local("run", "--", "no-such-command")
    assert finished.returncode == 2
    assert "no-such-command" in finished.stderr.splitlines()[-1]


async def test_a_signal_stops_all_processes_and_the_lab_can_start_again() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        with lab_up(STATE) as (process, addresses):
            children = psutil.Process(process.pid).children(recursive=True)
            assert len(children) >= len(TECHNIQUES) + 4
            assert addresses.keys() >= {"gateway", "loadgen", "caching"}
            process.send_signal(number)
            process.wait(timeout=60)
            assert process.returncode == 0
            assert [child for child in children if child.is_running()] == []


async def test_all_processes_end_when_the_supervisor_is_killed() -> None:
    with lab_up(STATE) as (process, _):
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait(timeout=60)
        await until(lambda: not any(child.is_running() for child in children))
        assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("LAB_POOL_MAX", "abc", "LAB_POOL_MAX"),
        ("LAB_NO_SUCH", "1", "LAB_NO_SUCH"),
        ("LAB_PORTS", "nobody=1", "nobody"),
        ("LAB_DATASET_SIZE", "huge", "LAB_DATASET_SIZE"),
    ],
)
def test_a_wrong_setting_stops_the_stack_with_one_line(name: str, value: str, reason: str) -> None:
    finished = local("run", "--", "true", **{name: value})
    assert finished.returncode == 2
    (line,) = finished.stderr.splitlines()
    assert line.startswith("error: ")
    assert reason in line


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
