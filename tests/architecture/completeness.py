"""Name every piece that a technique still lacks, one line each, with what to do about it.

`python -m tests.architecture.completeness` is the first part of `make check`. CONTRIBUTING.md,
"Add a technique", describes the pieces.
"""

import sys
import tomllib
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from services.contract import Technique

ROOT = Path(__file__).parents[2]
#: The folder that CONTRIBUTING.md names for copying.
MODEL = "avoiding_n_plus_one"
FILES = ("__init__.py", "README.md", "technique.py", "naive.py", "optimized.py", "app.py")
SECTIONS = ("Naive", "Optimized", "When it loses", "Knobs", "When a dependency is down", "Measured")
#: The contracts of pyproject.toml that list the packages and the cores of techniques.
PACKAGES = "A technique imports its own package"
CORES = "Cores can be lifted out"

Contracts = Sequence[Mapping[str, Any]]


def main() -> None:
    try:
        # Imported here, so that a mistake in a technique's facts is one line as well.
        from services.catalog import TECHNIQUES

        findings = list(missing(ROOT, TECHNIQUES))
    except (SyntaxError, ImportError, TypeError, ValueError, yaml.YAMLError) as error:
        findings = [_mistake(error)]
    sys.stdout.writelines(f"{finding}\n" for finding in findings)
    sys.exit(bool(findings))


def _mistake(error: Exception) -> str:
    """One line: the innermost place in a file of the lab, and the error."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if Path(each.filename).is_relative_to(ROOT / "services")]
    file, line = (ours[-1].filename, ours[-1].lineno) if ours else ("compose.yaml", 0)
    if isinstance(error, SyntaxError) and error.filename:
        file, line = error.filename, error.lineno
    place = Path(file).relative_to(ROOT) if Path(file).is_relative_to(ROOT) else file
    return (
        f"{place}:{line}: {type(error).__name__}: {' '.join(str(error).split())}; correct this line"
    )


def missing(root: Path, techniques: Sequence[Technique]) -> Iterator[str]:
    """One line for each missing piece below `root`: where it belongs, and what to do."""
    compose = yaml.safe_load((root / "compose.yaml").read_text("utf-8"))
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    yield from _not_in_catalog(root, techniques)
    yield from _shared_ports(techniques)
    for technique in techniques:
        yield from _missing_files(root, technique)
        yield from _missing_sections(root, technique)
        yield from _missing_in_compose(compose, technique)
        yield from _missing_in_contracts(contracts, technique)
        yield from _missing_tests(root, technique)


def _not_in_catalog(root: Path, techniques: Sequence[Technique]) -> Iterator[str]:
    known = {technique.package for technique in techniques}
    for path in sorted((root / "services").glob("*/technique.py")):
        if path.parent.name not in known:
            yield (
                "services/catalog.py: import TECHNIQUE of"
                f" services.{path.parent.name}.technique and add it to TECHNIQUES"
            )


def _shared_ports(techniques: Sequence[Technique]) -> Iterator[str]:
    free = max(technique.port for technique in techniques) + 1
    for port, uses in Counter(technique.port for technique in techniques).items():
        if uses > 1:
            yield f"technique.py: {uses} techniques have port {port}; {free} is free"


def _missing_files(root: Path, technique: Technique) -> Iterator[str]:
    folder = f"services/{technique.package}"
    for name in FILES:
        if not (root / folder / name).exists():
            yield f"{folder}/{name}: missing; copy services/{MODEL}/{name} and change it"


def _missing_sections(root: Path, technique: Technique) -> Iterator[str]:
    card = root / "services" / technique.package / "README.md"
    text = card.read_text("utf-8") if card.exists() else ""
    for section in SECTIONS:
        if text and f"\n## {section}\n" not in text:
            yield f"{card.relative_to(root)}: add the section “## {section}”, as other cards do"
    if text and technique.question not in text:
        yield f"{card.relative_to(root)}: quote the question of technique.py: {technique.question}"


def _missing_in_compose(compose: Mapping[str, Any], technique: Technique) -> Iterator[str]:
    services = compose["services"]
    if technique.name not in services:
        yield (
            f"compose.yaml: add a block `{technique.name}` like the block `n-plus-one`,"
            f" with LAB_PORT: {technique.port}"
        )
    elif services[technique.name].get("environment", {}).get("LAB_PORT") != technique.port:
        yield f"compose.yaml: the block `{technique.name}` needs LAB_PORT: {technique.port}"
    gateway = services["gateway"]
    address = f"{technique.name}=http://{technique.name}:{technique.port}"
    if address not in gateway["environment"]["LAB_UPSTREAMS"].split(", "):
        yield f"compose.yaml: add {address} to LAB_UPSTREAMS of `gateway`"
    if technique.name not in gateway["depends_on"]:
        yield f"compose.yaml: add `{technique.name}` to depends_on of `gateway`"


def _missing_in_contracts(contracts: Contracts, technique: Technique) -> Iterator[str]:
    package = f"services.{technique.package}"
    for beginning, wanted in ((PACKAGES, package), (CORES, f"{package}.")):
        contract = next(each for each in contracts if each["name"].startswith(beginning))
        listed = [each for each in contract["modules"] if f"{each}.".startswith(f"{wanted}")]
        if not listed:
            what = package if wanted == package else f"the core modules of {package}"
            yield f"pyproject.toml: add {what} to the contract “{contract['name']}”"


def _missing_tests(root: Path, technique: Technique) -> Iterator[str]:
    benchmark = f"benchmarks/techniques/{technique.package}.py"
    if not (root / benchmark).exists():
        yield f"{benchmark}: missing; put each promise of speed of the card and its bound there"
    unit = f"tests/unit/services/{technique.package}"
    if not list((root / unit).glob("test_*.py")):
        yield f"{unit}/test_….py: missing; test each core module without HTTP"
    name = technique.name.replace("-", "_")
    if not list((root / "tests/integration").glob(f"test_{name}*.py")):
        yield f"tests/integration/test_{name}.py: missing; test the routes against real servers"


if __name__ == "__main__":
    main()
