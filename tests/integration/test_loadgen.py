"""The command line against nginx: verdicts, exit codes, and evidence that can be judged again."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
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
#: Enough pairs of blocks for the verdict on equal arms: the verdict depends on their number.
EQUAL_ARMS = ("--iterations", "8", "--duration", "0.05", "--concurrency", "2")
#: Longer blocks, with less noise, for the verdict on different arms.
DIFFERENT_ARMS = ("--iterations", "8", "--duration", "0.15", "--concurrency", "2")
#: The fewest and shortest blocks, for tests of files and exit codes.
SHORT = ("--iterations", "4", "--duration", "0.05", "--concurrency", "2")
MAXIMUM_ATTEMPTS = 5
#: Ten runs in one process: starting Python would take a third of the time.
TEN_VALID_RUNS = f"""
import sys
from loadgen.__main__ import main

sys.argv[0] = "loadgen"
for _ in range(10):
    for _ in range({MAXIMUM_ATTEMPTS}):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        if code != {EXIT_INVALID}:
            break
    print("exit code", code, flush=True)
"""


def loadgen(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment(),
    )


def valid_run(
    *arguments: str, options: Sequence[str] = SHORT
) -> "subprocess.CompletedProcess[str]":
    """Run loadgen; repeat a run that is invalid because the machine was too busy."""
    for _ in range(MAXIMUM_ATTEMPTS):
        ended = loadgen(*arguments, *options)
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
    """Yield the URL of an nginx with 10 KB at /one and /other, 100 KB at /large."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed; on Debian: apt install nginx-light")
    port = free_port()
    # Workers of a root-started nginx may run as another user, who needs access.
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
    """Workers stay root if nginx is started by root: only root may enter the parent folders."""
    return "user root;" if os.geteuid() == 0 else ""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with nginx(tmp_path_factory.mktemp("nginx")) as address:
        asyncio.run(until(lambda: _is_serving(address)))
        yield address


def _is_serving(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/one", timeout=5) as response:  # noqa: S310
            return bool(response.read())
    except OSError:
        return False


def test_the_same_file_at_two_urls_shows_no_difference(server: str) -> None:
    ended = valid_run("ab", f"{server}/one", f"{server}/other", options=EQUAL_ARMS)
    assert ended.returncode == 0, ended.stderr
    assert "no difference shown" in ended.stdout


@pytest.mark.measures_time
@pytest.mark.timeout(600)
def test_one_url_against_itself_shows_no_difference_in_ten_of_ten_runs(server: str) -> None:
    url = f"{server}/one"
    arguments = ("ab", url, url, *EQUAL_ARMS)
    ended = subprocess.run(
        [sys.executable, "-c", TEN_VALID_RUNS, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert ended.stdout.count("exit code 0\n") == 10, ended.stdout + ended.stderr
    assert ended.stdout.count("no difference shown") == 10


@pytest.mark.measures_time
@pytest.mark.parametrize(
    ("one", "other", "verdict"), [("one", "large", "slower"), ("large", "one", "faster")]
)
def test_a_file_ten_times_as_large_is_slower(
    server: str, one: str, other: str, verdict: str
) -> None:
    urls = (f"{server}/{one}", f"{server}/{other}")
    link = ("--different-answers", "--link", "1000mbit")
    ended = valid_run("ab", *urls, *link, options=DIFFERENT_ARMS)
    assert ended.returncode == 0, ended.stderr
    assert verdict in ended.stdout


def test_different_responses_get_no_verdict(server: str, tmp_path: Path) -> None:
    urls = (f"{server}/one", f"{server}/wrong")
    ended = valid_run("ab", *urls, "--output", str(tmp_path))
    assert ended.returncode == 3
    assert "the arms answer differently: /wrong at $" in ended.stdout
    judged = orjson.loads((tmp_path / "judgement.json").read_bytes())
    assert judged["experiments"]["ab"]["comparisons"] == {}


def test_a_missed_objective_decides_the_exit_code(server: str) -> None:
    urls = (f"{server}/one", f"{server}/other")
    kept = valid_run("ab", *urls, "--slo", "B.p99<10s", "--slo", "B.throughput>1")
    assert kept.returncode == 0, kept.stderr
    missed = valid_run("ab", *urls, "--slo", "B.p50<1us")
    assert missed.returncode == 5
    assert "B.p50<1us" in missed.stderr


def test_judging_evidence_again_gives_the_same_bytes(server: str, tmp_path: Path) -> None:
    urls = (f"{server}/one", f"{server}/other")
    assert valid_run("ab", *urls, "--output", str(tmp_path)).returncode == 0
    once, twice = (loadgen("judge", str(tmp_path)).stdout for _ in range(2))
    assert once == twice == (tmp_path / "judgement.json").read_text("utf-8")
    reports = {path.name: path.read_bytes() for path in tmp_path.glob("report.*")}
    assert loadgen("report", str(tmp_path)).returncode == 0
    assert reports == {path.name: path.read_bytes() for path in tmp_path.glob("report.*")}
    assert {"report.html", "report.md", "report.csv"} == reports.keys()


def test_evidence_with_a_changed_count_is_refused(server: str, tmp_path: Path) -> None:
    urls = (f"{server}/one", f"{server}/other")
    assert valid_run("ab", *urls, "--output", str(tmp_path)).returncode == 0
    (blocks,) = tmp_path.glob("blocks-*.jsonl")
    first, *others = blocks.read_bytes().splitlines(keepends=True)
    record = orjson.loads(first)
    record["errors"] += 1
    blocks.write_bytes(orjson.dumps(record) + b"\n" + b"".join(others))
    ended = loadgen("judge", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.parametrize("kilobytes", [4, 48])
def test_a_full_disk_is_named_and_no_file_is_half_written(
    server: str, tmp_path: Path, kilobytes: int
) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(tmp_path)]
    subprocess.run(mount, check=True)
    try:
        output = tmp_path / "results"
        ended = loadgen("ab", f"{server}/one", f"{server}/other", *SHORT, "--output", str(output))
        assert ended.returncode == 2
        (line,) = ended.stderr.splitlines()
        assert line == f"error: [Errno 28] No space left on device: '{output}'"
        assert not list(tmp_path.rglob("*.part"))
        if output.exists() and list(output.iterdir()):
            assert loadgen("judge", str(output)).returncode in {0, EXIT_INVALID}
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)  # noqa: S607


async def test_a_load_generator_with_a_fifth_of_a_core_is_invalid(server: str) -> None:
    urls = (f"{server}/one", f"{server}/other")
    process = await asyncio.create_subprocess_exec(
        *command("ab", *urls, "--iterations", "4", "--duration", "0.25"),
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
    """Give the process a fifth of a core in slices of 20 ms, like the CPU limit of a container."""
    while True:
        os.kill(process, signal.SIGSTOP)
        await asyncio.sleep(0.08)
        os.kill(process, signal.SIGCONT)
        await asyncio.sleep(0.02)
