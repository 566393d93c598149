"""A contract for import-linter that lists what modules may import, and refuses all other imports.

A list of forbidden modules has holes: a module that was written later is not on it. This list has
none. Contracts of this type stand in pyproject.toml, `tool.importlinter`, as `type = "allowance"`.
"""

import sys
from collections.abc import Iterator
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain import helpers

#: In `may_import`: the two-part package of the importing module, such as services.caching.
OWN_PACKAGE = "own package"
#: In `may_import`: the modules that the contract is about.
THEMSELVES = "themselves"
Violation = tuple[str, str]


class ImportAllowance(Contract):
    """`modules` import `may_import`, `libraries` and the standard library, and nothing else.

    `modules` and `may_import` stand for their submodules, too, and may have wildcards. Without
    `libraries` any library of another project is allowed.
    """

    type_name = "allowance"

    # import-linter replaces each field by a value of its kind.
    modules: Any = fields.ListField(subfield=fields.ModuleExpressionField())
    may_import: Any = fields.ListField(subfield=fields.StringField(), required=False, default=[])
    libraries: Any = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        violations = sorted(self._violations(graph))
        return ContractCheck(kept=not violations, metadata={"violations": violations})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported in check.metadata["violations"]:
            output.print_error(f"{importer} must not import {imported}")

    def covered(self, graph: ImportGraph) -> set[str]:
        """The names of the modules that this contract is about."""
        expressions = helpers.module_expressions_to_modules(graph, self.modules, as_packages=True)
        return {module.name for module in expressions}

    def _violations(self, graph: ImportGraph) -> Iterator[Violation]:
        covered = self.covered(graph)
        for importer in covered:
            for imported in graph.find_modules_directly_imported_by(importer):
                if not self._allows(
                    importer, imported, covered, graph.is_module_squashed(imported)
                ):
                    yield importer, imported

    def _allows(self, importer: str, imported: str, covered: set[str], external: bool) -> bool:
        if external:
            allowed = self.libraries is None or imported in self.libraries
            return allowed or imported in sys.stdlib_module_names
        return any(self._matches(each, importer, imported, covered) for each in self.may_import)

    def _matches(self, allowed: str, importer: str, imported: str, covered: set[str]) -> bool:
        if allowed == THEMSELVES:
            return imported in covered
        if allowed == OWN_PACKAGE:
            allowed = ".".join(importer.split(".")[:2])
        pattern, name = allowed.split("."), imported.split(".")
        matches = (part in ("*", found) for part, found in zip(pattern, name, strict=False))
        return len(name) >= len(pattern) and all(matches)
