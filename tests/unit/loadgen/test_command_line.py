"""`python -m loadgen`: what cannot be used is said in one line, with exit code 2."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.catalog import BY_NAME
from services.settings import PREFIX


def loadgen(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return subprocess.run(
        [sys.executable, "-m", "loadgen", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**inherited, "COLUMNS": "100", **environment},
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--technique", "nope"), "argument --technique: invalid choice: 'nope'"),
        (("--iterations", "2"), "argument --iterations: '2' is no whole number from 4 to 1000000"),
        (("--iterations", "1_0"), "argument --iterations: '1_0' is no whole number from 4"),
        (("--concurrency", "0"), "argument --concurrency: '0' is no whole number from 1"),
        (("--duration", "0"), "argument --duration: '0' is no number of seconds from 0.01 to 3600"),
        (("--duration", "nan"), "argument --duration: 'nan' is no number of seconds"),
        (("--seed", "-1"), "argument --seed: "),
        (("--colour", "red"), "unrecognized arguments: --colour red"),
        (("--rate", "0"), "argument --rate: '0' is no rate from 0.1 to 1e+06"),
        (("--rate", "fast"), "argument --rate: 'fast' is no rate"),
        (("--arrivals", "bursts"), "argument --arrivals: invalid choice: 'bursts'"),
        (("--stages", "10s"), "argument --stages: '10s' is no stage like 10s:100"),
        (("--stages", "0s:100"), "argument --stages: a stage of 0 s has no length"),
        (("--link", "0mbit"), "argument --link: "),
        (("--link", "10"), "argument --link: "),
        (("--link-latency", "soon"), "argument --link-latency: "),
        (("--slo", "p99<20ms"), "argument --slo: 'p99<20ms' is no objective"),
        (("--target", "localhost:80"), "argument --target: 'localhost:80' is no address"),
    ],
)
def test_a_wrong_argument_is_named(arguments: tuple[str, ...], message: str) -> None:
    ended = loadgen("run", *arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    last = ended.stderr.splitlines()[-1]
    assert f"error: {message}" in last
    assert "Traceback" not in ended.stderr


def test_without_an_action_it_says_which_there_are() -> None:
    ended = loadgen()
    assert ended.returncode == 2
    assert "{run,sweep,ab,drive,report,judge,merge,compare}" in ended.stderr


@pytest.mark.parametrize("technique", ["caching", "pagination"])
def test_a_target_that_nobody_serves_is_named(technique: str, unused_tcp_port: int) -> None:
    target = f"http://127.0.0.1:{unused_tcp_port}"
    ended = loadgen("run", "--target", target, "--technique", technique)
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.split("\n")[:-1]
    assert line.startswith(f"error: cannot connect to {target}: ")


def test_a_wrong_environment_is_refused() -> None:
    ended = loadgen("run", LAB_UPSTREAMS="cashing=http://127.0.0.1:1")
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: 'cashing' is not a technique; use one of caching, ")
    assert len(ended.stderr.splitlines()) == 1


def test_a_folder_that_cannot_be_written_to_is_found_out_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = loadgen("run", "--output", str(tmp_path / "file" / "folder"))
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ")
    assert len(ended.stderr.splitlines()) == 1


def unusable(*arguments: str) -> str:
    """The one line that a command says which cannot be done."""
    ended = loadgen(*arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    return line


def test_a_variant_that_a_technique_does_not_have_is_named() -> None:
    assert unusable("run", "--technique", "caching", "--variant", "offset") == (
        "error: caching has no variant 'offset', but optimized, two-tier, conditional"
    )


def test_a_sweep_with_a_variant_that_is_not_there_or_with_all_of_them_is_refused() -> None:
    line = unusable("sweep", "caching", "--variant", "none")
    assert line.startswith("error: caching has no variant 'none', but optimized")
    line = unusable("sweep", "pagination", "--variant", "all")
    assert line == "error: a sweep compares one variant with naive: name it"


@pytest.mark.parametrize("action", ["run", "sweep"])
def test_a_value_for_every_technique_is_refused(action: str) -> None:
    assert "one technique's: name it" in unusable(action, "--set", "posts=1")


def test_a_value_beyond_its_bounds_is_named() -> None:
    line = unusable("run", "--technique", "n-plus-one", "--set", "posts=many")
    assert line == "error: posts: 'many' is not a whole number from 0 to 200"


@pytest.mark.parametrize("stages", ["0.1s:2.5"])
def test_half_a_client_is_no_client(stages: str) -> None:
    assert unusable("run", "--stages", stages) == "error: 2.5 is no number of clients"


def test_a_sweep_through_what_is_no_parameter_is_named() -> None:
    line = unusable("sweep", "json-serialization", "--parameter", "colour=1,2")
    assert line.startswith("error: json-serialization has no number 'colour' to sweep; use one of")


@pytest.mark.parametrize("action", [("judge",), ("report",), ("compare", "."), ("merge",)])
def test_what_is_no_bundle_is_named(action: tuple[str, ...], tmp_path: Path) -> None:
    name, *more = action
    output = ("--output", str(tmp_path / "merged")) if name == "merge" else ()
    line = unusable(name, *more, str(tmp_path), *output)
    assert line.startswith("error: ")
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name two URLs, or a file of them with --pairs"),
        (("http://localhost/a",), "name two URLs, or a file of them with --pairs"),
        (("http://localhost/a", "https://localhost/b"), "is no address like"),
        (("--pairs", "/no/such/file"), "No such file or directory"),
        (("http://x/", "http://y/", "--header", "nothing"), "'nothing' is no header"),
        (("http://x/", "http://y/", "--metrics", "nowhere"), "'nowhere' is no address"),
        (("http://x/", "http://y/", "--method", "HEAD"), "'HEAD' is none of"),
    ],
)
def test_urls_that_cannot_be_compared_are_named(arguments: tuple[str, ...], message: str) -> None:
    assert message in unusable("ab", *arguments)


def test_help_names_every_technique() -> None:
    ended = loadgen("run", "--help")
    assert ended.returncode == 0
    text = " ".join(ended.stdout.split())
    assert all(name in text for name in BY_NAME)
