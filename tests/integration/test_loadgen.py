"""The command line against real servers: verdicts, exit codes, and evidence that can be judged."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from loadgen.commands import EXIT_INVALID
from services.local.ports import free_port
from services.settings import PREFIX
from tests.conftest import until

pytestmark = pytest.mark.timeout(180)

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port};
    root {folder};
    location /one {{ try_files /small =404; }}
    location /other {{ try_files /small =404; }}
    location /large {{ try_files /large =404; }}
    location /wrong {{ try_files /wrong =404; }}
  }}
}}
"""
#: Enough blocks for the verdict, short enough for a test.
QUICKLY = ("--iterations", "8", "--duration", "0.15", "--concurrency", "2")
MOST_ATTEMPTS = 5


def loadgen(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment(),
    )


def measured(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """A run that says something: one that the machine was too busy for says so, and is repeated."""
    for _ in range(MOST_ATTEMPTS):
        ended = loadgen(*arguments, *QUICKLY)
        if ended.returncode != EXIT_INVALID:
            break
    return ended


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "loadgen", *arguments]


def environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**inherited, "COLUMNS": "120"}


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """The address of one that serves 10 KB at /one and /other, 100 KB at /large."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("needs nginx: on Debian, apt install nginx-light")
    port = free_port()
    # Its workers are of another account when it is started by root.
    folder.chmod(0o755)
    for name, content in (("small", b"s" * 10_240), ("large", b"l" * 102_400), ("wrong", b"w")):
        (folder / name).write_bytes(content)
    (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, port=port))
    arguments = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen([*arguments, "-g", user()], stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def user() -> str:
    """Root's workers stay root: the folder is in a place that nobody else may enter."""
    return "user root;" if os.geteuid() == 0 else ""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with nginx(tmp_path_factory.mktemp("nginx")) as address:
        asyncio.run(until(lambda: _serves(address)))
        yield address


def _serves(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/one", timeout=5) as response:  # noqa: S310
            return bool(response.read())
    except OSError:
        return False


def test_the_same_file_at_two_places_makes_no_difference(server: str) -> None:
    ended = measured("ab", f"{server}/one", f"{server}/other")
    assert ended.returncode == 0, ended.stderr
    assert "no difference shown" in ended.stdout


@pytest.mark.timeout(600)
def test_one_thing_against_itself_makes_no_difference_in_ten_runs_of_ten(server: str) -> None:
    url = f"{server}/one"
    for _ in range(10):
        ended = measured("ab", url, url)
        assert ended.returncode == 0, ended.stderr
        assert "no difference shown" in ended.stdout


@pytest.mark.parametrize(
    ("one", "other", "verdict"), [("one", "large", "slower"), ("large", "one", "faster")]
)
def test_ten_times_as_many_bytes_take_longer(
    server: str, one: str, other: str, verdict: str
) -> None:
    urls = (f"{server}/{one}", f"{server}/{other}")
    ended = measured("ab", *urls, "--different-answers", "--link", "1000mbit")
    assert ended.returncode == 0, ended.stderr
    assert verdict in ended.stdout


def test_answers_that_differ_have_no_verdict(server: str, tmp_path: Path) -> None:
    urls = (f"{server}/one", f"{server}/wrong")
    ended = measured("ab", *urls, "--output", str(tmp_path))
    assert ended.returncode == 3
    assert "the arms answer differently: /wrong at $" in ended.stdout
    judged = orjson.loads((tmp_path / "judgement.json").read_bytes())
    assert judged["experiments"]["ab"]["comparisons"] == {}


def test_what_an_arm_is_to_keep_decides_the_exit_code(server: str) -> None:
    urls = (f"{server}/one", f"{server}/other")
    kept = measured("ab", *urls, "--slo", "B.p99<10s", "--slo", "B.throughput>1")
    assert kept.returncode == 0, kept.stderr
    missed = measured("ab", *urls, "--slo", "B.p50<1us")
    assert missed.returncode == 5
    assert "B.p50<1us" in missed.stderr


def test_evidence_is_judged_anew_to_the_same_bytes(server: str, tmp_path: Path) -> None:
    urls = (f"{server}/one", f"{server}/other")
    assert measured("ab", *urls, "--output", str(tmp_path)).returncode == 0
    once, twice = (loadgen("judge", str(tmp_path)).stdout for _ in range(2))
    assert once == twice == (tmp_path / "judgement.json").read_text("utf-8")
    reports = {path.name: path.read_bytes() for path in tmp_path.glob("report.*")}
    assert loadgen("report", str(tmp_path)).returncode == 0
    assert reports == {path.name: path.read_bytes() for path in tmp_path.glob("report.*")}
    assert {"report.html", "report.md", "report.csv"} == reports.keys()


def test_evidence_with_a_changed_count_is_refused(server: str, tmp_path: Path) -> None:
    urls = (f"{server}/one", f"{server}/other")
    assert measured("ab", *urls, "--output", str(tmp_path)).returncode == 0
    (blocks,) = tmp_path.glob("blocks-*.jsonl")
    first, *others = blocks.read_bytes().splitlines(keepends=True)
    record = orjson.loads(first)
    record["errors"] += 1
    blocks.write_bytes(orjson.dumps(record) + b"\n" + b"".join(others))
    ended = loadgen("judge", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a disk that is soon full")
@pytest.mark.parametrize("kilobytes", [4, 48])
def test_a_full_disk_is_named_and_nothing_is_half_written(
    server: str, tmp_path: Path, kilobytes: int
) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(tmp_path)]
    subprocess.run(mount, check=True)
    try:
        output = tmp_path / "results"
        ended = loadgen("ab", f"{server}/one", f"{server}/other", *QUICKLY, "--output", str(output))
        assert ended.returncode == 2
        (line,) = ended.stderr.splitlines()
        assert line == f"error: [Errno 28] No space left on device: '{output}'"
        assert not list(tmp_path.rglob("*.part"))
        if output.exists() and list(output.iterdir()):
            assert loadgen("judge", str(output)).returncode in {0, EXIT_INVALID}
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)  # noqa: S607


async def test_a_generator_with_a_fraction_of_a_core_measures_nothing(server: str) -> None:
    urls = (f"{server}/one", f"{server}/other")
    process = await asyncio.create_subprocess_exec(
        *command("ab", *urls, "--iterations", "4", "--duration", "0.5"),
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
    )
    throttle = asyncio.create_task(_throttled(process.pid))
    stdout, _ = await process.communicate()
    throttle.cancel()
    assert process.returncode == 4
    assert "invalid" in stdout.decode()
    assert "the load generator itself was late" in stdout.decode()


async def _throttled(process: int) -> None:
    """A fifth of the time is all that it gets, in slices of 20 ms, as a container's limit does."""
    while True:
        os.kill(process, signal.SIGSTOP)
        await asyncio.sleep(0.08)
        os.kill(process, signal.SIGCONT)
        await asyncio.sleep(0.02)
