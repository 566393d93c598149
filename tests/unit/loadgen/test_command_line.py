"""The command line: wrong input is reported in one line, with exit code 2."""

import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from loadgen.__main__ import main
from loadgen.commands import COMMANDS
from services.catalog import BY_NAME


@dataclass(frozen=True)
class Ended:
    """What a command printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


class Loadgen:
    """Runs commands in this process: starting Python takes longer than most commands."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: "pytest.CaptureFixture[str]"
    ) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def run(self, *arguments: str, **environment: str) -> Ended:
        for name, value in environment.items():
            self._monkeypatch.setenv(name, value)
        self._monkeypatch.setattr(sys, "argv", ["loadgen", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, *self._capsys.readouterr())

    def error(self, *arguments: str) -> str:
        """The only line that a command prints when it cannot be run."""
        ended = self.run(*arguments)
        assert ended.returncode == 2
        assert ended.stdout == ""
        (line,) = ended.stderr.splitlines()
        return line


@pytest.fixture
def loadgen(monkeypatch: pytest.MonkeyPatch, capsys: "pytest.CaptureFixture[str]") -> Loadgen:
    monkeypatch.setenv("COLUMNS", "100")
    return Loadgen(monkeypatch, capsys)


def test_the_module_runs_as_a_program() -> None:
    command = [sys.executable, "-m", "loadgen", "run", "--iterations", "2"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "argument --iterations: '2' is not a whole number from 4" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--technique", "nope"), "argument --technique: invalid choice: 'nope'"),
        (
            ("--iterations", "2"),
            "argument --iterations: '2' is not a whole number from 4 to 1000",
        ),
        (("--iterations", "1_0"), "argument --iterations: '1_0' is not a whole number from 4"),
        (("--concurrency", "0"), "argument --concurrency: '0' is not a whole number from 1"),
        (
            ("--duration", "0"),
            "argument --duration: '0' is not a number of seconds from 0.01 to 36",
        ),
        (("--duration", "nan"), "argument --duration: 'nan' is not a number of seconds"),
        (("--seed", "-1"), "argument --seed: "),
        (("--colour", "red"), "unrecognized arguments: --colour red"),
        (
            ("--rate", "0"),
            "argument --rate: '0' is not a rate in requests per second from 0.1",
        ),
        (("--rate", "fast"), "argument --rate: 'fast' is not a rate"),
        (("--arrivals", "bursts"), "argument --arrivals: invalid choice: 'bursts'"),
        (
            ("--stages", "10s"),
            "argument --stages: '10s' is not a stage: write DURATION:LEVEL",
        ),
        (("--stages", "0s:100"), "argument --stages: a stage cannot last 0 s"),
        (("--link", "0mbit"), "argument --link: "),
        (("--link", "10"), "argument --link: "),
        (("--link-latency", "soon"), "argument --link-latency: "),
        (("--slo", "p99<20ms"), "argument --slo: 'p99<20ms' is no objective"),
        (("--target", "localhost:80"), "argument --target: 'localhost:80' is not an http:// URL"),
    ],
)
def test_a_wrong_option_is_named(
    loadgen: Loadgen, arguments: tuple[str, ...], message: str
) -> None:
    ended = loadgen.run("run", *arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    last = ended.stderr.splitlines()[-1]
    assert f"error: {message}" in last


def test_without_an_action_the_actions_are_listed(loadgen: Loadgen) -> None:
    ended = loadgen.run()
    assert ended.returncode == 2
    assert "{run,sweep,ab,drive,report,judge,merge,compare}" in ended.stderr


@pytest.mark.parametrize("technique", ["caching", "pagination"])
def test_an_unreachable_target_is_named(
    loadgen: Loadgen, technique: str, unused_tcp_port: int
) -> None:
    target = f"http://127.0.0.1:{unused_tcp_port}"
    line = loadgen.error("run", "--target", target, "--technique", technique)
    assert line.startswith(f"error: cannot connect to {target}: ")


def test_an_unknown_technique_in_the_environment_is_refused(loadgen: Loadgen) -> None:
    ended = loadgen.run("run", LAB_UPSTREAMS="cashing=http://127.0.0.1:1")
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: 'cashing' is not a technique; use one of caching, ")
    assert len(ended.stderr.splitlines()) == 1


def test_a_folder_that_cannot_be_written_is_refused_before_measuring(
    loadgen: Loadgen, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    line = loadgen.error("run", "--output", str(tmp_path / "file" / "folder"))
    assert line.startswith("error: ")


def test_an_unknown_variant_is_named(loadgen: Loadgen) -> None:
    assert loadgen.error("run", "--technique", "caching", "--variant", "offset") == (
        "error: caching has no variant 'offset': use optimized, two-tier, conditional"
    )


def test_a_sweep_needs_exactly_one_variant(loadgen: Loadgen) -> None:
    line = loadgen.error("sweep", "caching", "--variant", "none")
    assert line.startswith("error: caching has no variant 'none': use optimized")
    line = loadgen.error("sweep", "pagination", "--variant", "all")
    assert line.startswith("error: a sweep compares naive with one variant: ")


@pytest.mark.parametrize("action", ["run", "sweep"])
def test_a_parameter_value_without_a_technique_is_refused(loadgen: Loadgen, action: str) -> None:
    assert "one technique: " in loadgen.error(action, "--set", "posts=1")


def test_a_parameter_value_out_of_bounds_is_named(loadgen: Loadgen) -> None:
    line = loadgen.error("run", "--technique", "n-plus-one", "--set", "posts=many")
    assert line == "error: posts: 'many' is not a whole number from 0 to 200"


def test_half_a_client_is_refused(loadgen: Loadgen) -> None:
    line = loadgen.error("run", "--stages", "0.1s:2.5")
    assert line == ("error: a closed loop cannot have 2.5 clients: use a whole number, or --rate")


def test_a_sweep_of_an_unknown_parameter_is_refused(loadgen: Loadgen) -> None:
    line = loadgen.error("sweep", "json-serialization", "--parameter", "colour=1,2")
    assert line.startswith("error: json-serialization has no number 'colour' to sweep; use one of")


@pytest.mark.parametrize("action", [("judge",), ("report",), ("compare", "."), ("merge",)])
def test_a_folder_without_a_bundle_is_refused(
    loadgen: Loadgen, action: tuple[str, ...], tmp_path: Path
) -> None:
    name, *more = action
    output = ("--output", str(tmp_path / "merged")) if name == "merge" else ()
    line = loadgen.error(name, *more, str(tmp_path), *output)
    assert line.startswith("error: ")
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "write two URLs, or name a file with pairs of URLs after --pairs"),
        (
            ("http://localhost/a",),
            "write two URLs, or name a file with pairs of URLs after --pairs",
        ),
        (("http://localhost/a", "https://localhost/b"), "is not an http:// URL"),
        (("--pairs", "/no/such/file"), "No such file or directory"),
        (("http://x/", "http://y/", "--header", "nothing"), "'nothing' is not a header"),
        (("http://x/", "http://y/", "--metrics", "nowhere"), "'nowhere' is not an http:// URL"),
        (("http://x/", "http://y/", "--method", "HEAD"), "method 'HEAD' is not supported"),
    ],
)
def test_wrong_urls_are_refused_with_a_reason(
    loadgen: Loadgen, arguments: tuple[str, ...], message: str
) -> None:
    assert message in loadgen.error("ab", *arguments)


def test_the_help_of_run_names_every_technique(loadgen: Loadgen) -> None:
    ended = loadgen.run("run", "--help")
    assert ended.returncode == 0
    text = " ".join(ended.stdout.split())
    assert all(name in text for name in BY_NAME)


@pytest.mark.parametrize("action", COMMANDS)
def test_every_option_of_every_action_is_explained(loadgen: Loadgen, action: str) -> None:
    ended = loadgen.run(action, "--help")
    assert ended.returncode == 0
    assert "%%" not in ended.stdout
    options = ended.stdout.partition("positional arguments:")[2] or ended.stdout
    entries = re.findall(r"^  \S.*(?:\n {4,}.*)*", options, re.MULTILINE)
    assert entries
    assert [entry for entry in entries if not re.search(r"\S\s{2,}\S", entry)] == []


def test_a_port_in_use_is_named_with_the_variable_that_changes_it(loadgen: Loadgen) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ended = loadgen.run("drive", LAB_HOST="127.0.0.1", LAB_PORT=str(port))
    assert ended.returncode == 2
    assert f"error: cannot listen on 127.0.0.1:{port} (" in ended.stderr
    assert ended.stderr.strip().endswith("set LAB_PORT to another port")
