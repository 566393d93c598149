"""The check of completeness names each piece that a technique lacks."""

from dataclasses import replace
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from services.catalog import TECHNIQUES
from tests.architecture.completeness import FILES, SECTIONS, missing
from tests.conftest import ROOT

EIGHTH = replace(TECHNIQUES[0], name="e-tags", package="e_tags", port=TECHNIQUES[0].port)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the check reads."""
    root = tmp_path_factory.mktemp("copy") / "lab"
    for folder in ("services", "tests/unit/services", "tests/integration", "benchmarks"):
        copytree(ROOT / folder, root / folder, ignore=ignore_patterns("__pycache__"))
    for name in ("compose.yaml", "pyproject.toml"):
        (root / name).write_bytes((ROOT / name).read_bytes())
    return root


def test_the_techniques_of_the_catalog_are_complete() -> None:
    assert list(missing(ROOT, TECHNIQUES)) == []


def test_every_piece_of_a_new_technique_is_named(copied: Path) -> None:
    findings = list(missing(copied, [*TECHNIQUES, EIGHTH]))
    assert all("\n" not in finding for finding in findings)
    places = [finding.partition(":")[0] for finding in findings]
    assert sorted(places) == sorted(
        [
            "technique.py",
            *(f"services/e_tags/{name}" for name in FILES),
            *["compose.yaml"] * 3,
            *["pyproject.toml"] * 2,
            "benchmarks/techniques/e_tags.py",
            "tests/unit/services/e_tags/test_….py",
            "tests/integration/test_e_tags.py",
        ]
    )


def test_a_folder_that_the_catalog_does_not_know_is_named(copied: Path) -> None:
    (finding,) = missing(copied, TECHNIQUES[1:])
    assert f"services.{TECHNIQUES[0].package}.technique" in finding


@pytest.mark.parametrize("section", SECTIONS)
def test_a_missing_section_of_a_card_is_named(section: str, copied: Path) -> None:
    card = copied / "services" / TECHNIQUES[0].package / "README.md"
    text = card.read_text("utf-8")
    card.write_text(text.replace(f"\n## {section}\n", "\n## Another\n"), "utf-8")
    try:
        (finding,) = missing(copied, TECHNIQUES)
    finally:
        card.write_text(text, "utf-8")
    assert f"“## {section}”" in finding


def test_another_port_in_compose_is_named(copied: Path) -> None:
    changed = replace(TECHNIQUES[0], port=9999)
    findings = list(missing(copied, [changed, *TECHNIQUES[1:]]))
    assert f"compose.yaml: the block `{changed.name}` needs LAB_PORT: 9999" in findings
