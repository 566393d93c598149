"""What documents and locks say of the repository is so."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from services.catalog import TECHNIQUES
from tests.conftest import ROOT

DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("services/*/README.md")]
LOCKS = {"services": [], "local": ["local"], "dev": ["local", "dev"]}
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
def test_links_to_files_lead_somewhere(document: Path) -> None:
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


def test_locks_agree_with_each_other() -> None:
    everything = pinned("dev")
    for lock in LOCKS:
        assert pinned(lock).items() <= everything.items()


def test_compose_and_prometheus_know_every_technique() -> None:
    compose = (ROOT / "compose.yaml").read_text("utf-8")
    scraped = (ROOT / "monitoring" / "prometheus" / "prometheus.yaml").read_text("utf-8")
    for technique in TECHNIQUES:
        assert f"{technique.name}=http://{technique.name}:{technique.port}" in compose
        assert f"names: [{technique.name}], type: A, port: {technique.port}" in scraped
