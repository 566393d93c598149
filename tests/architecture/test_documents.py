"""Documents, lock files, compose.yaml and .env agree with the code."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from services.catalog import TECHNIQUES
from services.settings import PREFIX, Settings
from tests.conftest import ROOT

DOCUMENTS = [
    *ROOT.glob("*.md"),
    *ROOT.glob("services/*.md"),
    *ROOT.glob("services/*/README.md"),
    *ROOT.glob("monitoring/*.md"),
    ROOT / "loadgen/README.md",
]
LOCKS = {"services": [], "local": ["local"], "dev": ["local", "dev"]}
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def declared(groups: list[str]) -> list[Requirement]:
    lines = list(PROJECT["project"]["dependencies"])
    for group in groups:
        lines += [line for line in PROJECT["dependency-groups"][group] if isinstance(line, str)]
    return [Requirement(line) for line in lines]


def pinned(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text("utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_each_dependency_is_pinned_within_its_range(lock: str) -> None:
    versions = pinned(lock)
    for requirement in declared(LOCKS[lock]):
        assert requirement.specifier.contains(versions[requirement.name]), requirement.name


@pytest.mark.parametrize("lock", LOCKS)
def test_each_pin_has_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert "://" not in text


def test_all_locks_pin_the_same_versions() -> None:
    everything = pinned("dev")
    for lock in LOCKS:
        assert pinned(lock).items() <= everything.items()


def test_compose_starts_every_technique_at_its_port() -> None:
    upstreams = COMPOSE["services"]["gateway"]["environment"]["LAB_UPSTREAMS"]
    assert upstreams.split(", ") == [
        f"{technique.name}=http://{technique.name}:{technique.port}" for technique in TECHNIQUES
    ]
    for technique in TECHNIQUES:
        assert COMPOSE["services"][technique.name]["environment"]["LAB_PORT"] == technique.port


def test_compose_passes_on_every_setting_except_addresses_and_directories() -> None:
    own = r"host|port|ports|upstreams|(database|redis)_(host|port|name|user|password)|\w+_directory"
    left = [name for name in Settings.model_fields if not re.fullmatch(own, name)]
    assert set(COMPOSE["x-settings"]) == {PREFIX + name.upper() for name in left}


def test_env_sets_every_variable_that_compose_requires_and_no_secret() -> None:
    text = (ROOT / ".env").read_text("utf-8")
    asked = re.findall(r"\$\{(\w+):\?see \.env\}", (ROOT / "compose.yaml").read_text("utf-8"))
    assert set(re.findall(r"^(\w+)=", text, re.MULTILINE)) == {
        "COMPOSE_PROFILES", "LAB_DATASET_SIZE", *asked,
    }  # fmt: skip
    offered = re.findall(r"^#(LAB_\w+)=", text, re.MULTILINE)
    assert set(offered) <= COMPOSE["x-settings"].keys()


def test_no_document_counts_the_techniques() -> None:
    """A number would be wrong as soon as a technique is added."""
    texts = [*DOCUMENTS, ROOT / "compose.yaml", ROOT / "Makefile", *ROOT.glob("services/*.py")]
    counting = re.compile(r"\b(six|seven|eight|nine)\b", re.IGNORECASE)
    measured = re.compile(r"<!-- measured: .*?<!-- end of measured -->", re.DOTALL)
    written = {path: measured.sub("", path.read_text("utf-8")) for path in texts}
    assert [path for path, text in written.items() if counting.search(text)] == []
