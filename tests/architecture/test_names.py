"""Each module has a name that no other module, no library and no standard module has."""

import re
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT

PACKAGES = ("services", "gateway", "loadgen", "monitoring")
#: Files that every technique or every program has.
REPEATED = {"__init__", "__main__", "app", "naive", "optimized", "technique"}
MODULES = sorted(
    path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if path.stem not in REPEATED
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def libraries() -> set[str]:
    declared = [
        *PROJECT["project"]["dependencies"],
        *(each for group in PROJECT["dependency-groups"].values() for each in group),
    ]
    names = [Requirement(each).name for each in declared if isinstance(each, str)]
    return {name.removeprefix("python-").replace("-", "_") for name in names}


def stem(name: str) -> str:
    """The name without a plural or another ending."""
    return re.sub(r"(ings?|ed|e?s)$", "", name)


def test_no_two_modules_have_the_same_or_nearly_the_same_name() -> None:
    modules: dict[str, list[Path]] = defaultdict(list)
    for path in MODULES:
        modules[stem(path.stem)].append(path.relative_to(ROOT))
    assert [paths for paths in modules.values() if len(paths) > 1] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_has_the_name_of_a_library(path: Path) -> None:
    assert path.stem not in libraries() | sys.stdlib_module_names
