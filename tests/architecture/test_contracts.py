"""Each import contract of pyproject.toml refuses a planted violation, and none is left untried."""

import copy
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, ignore_patterns

import grimp
import pytest
from importlinter import Contract
from importlinter.contracts.independence import IndependenceContract

from tests.architecture.import_allowance import ImportAllowance
from tests.conftest import ROOT

OPTIONS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
PACKAGES = OPTIONS["root_packages"]
TYPES: dict[str, type[Contract]] = {
    "allowance": ImportAllowance,
    "independence": IndependenceContract,
}
COVERED = ("services", "gateway", "loadgen", "monitoring")

#: By contract: an import that it must refuse.
VIOLATIONS = {
    "The contract and the metrics import the standard library only": (
        "services.contract",
        "pydantic",
    ),
    "technique.py holds facts and imports only the contract": (
        "services.caching.technique",
        "services.caching.cache",
    ),
    "The catalog imports facts, never code": ("services.catalog", "services.caching.epoch"),
    "Settings import no other module of the lab": ("services.settings", "services.catalog"),
    "The chassis imports neither the catalog nor a technique": (
        "services.chassis.application",
        "services.catalog",
    ),
    "The data set and its loading import neither the catalog nor a technique": (
        "services.dataset.generator",
        "services.pagination.keyset",
    ),
    "A technique imports its own package and the foundations, never another technique": (
        "services.pagination.naive",
        "services.caching.cache",
    ),
    "Cores can be lifted out: they import no HTTP server, no metrics, no chassis": (
        "services.caching.single_flight",
        "services.caching.app",
    ),
    "Variants do not import each other": (
        "services.compression.optimized",
        "services.compression.naive",
    ),
    "Starting a service imports the catalog, and by name the technique's app": (
        "services.__main__",
        "services.caching.app",
    ),
    "The stack without Docker imports no technique's code": (
        "services.local.stack",
        "services.caching.app",
    ),
    "The gateway imports the chassis and the catalog, never a technique's code": (
        "gateway.proxy",
        "services.caching.cache",
    ),
    "The load generator imports what describes the lab, never the lab's code": (
        "loadgen.commands",
        "services.chassis.errors",
    ),
    "Sending requests needs neither the lab nor an experiment": (
        "loadgen.sending.connection",
        "services.catalog",
    ),
    "The judgement needs only msgspec": ("loadgen.judgement", "loadgen.evidence.bundle"),
    "Evidence is read and written without an experiment": (
        "loadgen.evidence.bundle",
        "loadgen.experiment.plan",
    ),
    "A verdict is computed from evidence alone": (
        "loadgen.judging.estimate",
        "loadgen.sending.connection",
    ),
    "Reports read the judgement and measure nothing": (
        "loadgen.report.markdown",
        "loadgen.experiment.measurement",
    ),
    "An experiment does not depend on judging": (
        "loadgen.experiment.sweep",
        "loadgen.judging.estimate",
    ),
    "Monitoring imports the catalog and the metrics": (
        "monitoring.promql",
        "services.chassis.metrics",
    ),
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


def contracts() -> Iterator[tuple[str, Contract]]:
    for contract in OPTIONS["contracts"]:
        options = {name: value for name, value in contract.items() if name != "name"}
        name, of_type = contract["name"], TYPES[contract["type"]]
        yield name, of_type(name, session_options=OPTIONS, contract_options=options)


CONTRACTS = dict(contracts())


def test_each_contract_has_a_planted_violation() -> None:
    assert VIOLATIONS.keys() == CONTRACTS.keys()


@pytest.mark.parametrize("name", CONTRACTS)
def test_contract_holds_and_refuses_its_planted_violation(
    name: str, graph: grimp.ImportGraph
) -> None:
    importer, imported = VIOLATIONS[name]
    assert importer in graph.modules
    assert CONTRACTS[name].check(copy.deepcopy(graph), verbose=False).kept
    changed = copy.deepcopy(graph)
    if imported not in changed.modules:
        changed.add_module(imported, is_squashed=True)
    changed.add_import(importer=importer, imported=imported)
    assert not CONTRACTS[name].check(changed, verbose=False).kept


def test_every_module_is_under_an_allowance(graph: grimp.ImportGraph) -> None:
    covered = {
        module
        for contract in CONTRACTS.values()
        if isinstance(contract, ImportAllowance)
        for module in contract.covered(graph)
    }
    ours = {module for package in COVERED for module in graph.find_descendants(package)}
    assert ours - covered == set()


def test_command_names_a_violation_in_a_file(tmp_path: Path) -> None:
    for package in PACKAGES:
        copytree(ROOT / package, tmp_path / package, ignore=ignore_patterns("__pycache__"))
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    (tmp_path / "pyproject.toml").write_text(project, "utf-8")
    with (tmp_path / "gateway" / "proxy.py").open("a", encoding="utf-8") as file:
        file.write("\nimport services.caching.cache\n")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "gateway.proxy must not import services.caching.cache" in ended.stdout
