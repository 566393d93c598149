"""Find changes that a module's unit tests do not notice.

Each mutant is the module with one change: another comparison, constant, operator or returned value.
The module's unit tests run against it and should fail. A mutant that passes has survived: either a
test is missing, or the change makes no difference.
"""

import argparse
import ast
import copy
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from shutil import copytree, ignore_patterns

ROOT = Path(__file__).parents[1]
_PACKAGES = ("services", "gateway", "loadgen", "monitoring", "tests")
#: Seconds. A mutant that loops for ever counts as noticed.
_TIMEOUT = 120
_MAXIMUM_SHARE = 0.05

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add,
    ast.Pow: ast.Mult,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module's source with one change; `change` reads `before → after`."""

    module: Path
    line: int
    change: str
    source: str


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="+", type=Path, help="as services/caching/epoch.py")
    parser.add_argument("--each", type=int, default=10, help="mutants of each module (default 10)")
    parser.add_argument("--seed", type=int, default=1, help="which of them (default 1)")
    parser.add_argument("--tests", nargs="+", type=Path, help="default: the module's unit test")
    arguments = parser.parse_args()
    chosen = [
        mutant
        for module in arguments.modules
        for mutant in draw(module, arguments.each, Random(f"{arguments.seed} {module}"))
    ]
    survivors = _survivors(chosen, arguments.tests)
    print(f"{len(survivors)} of {len(chosen)} mutants survived")  # noqa: T201 - its output
    sys.exit(len(survivors) > _MAXIMUM_SHARE * len(chosen))


def draw(module: Path, count: int, random: Random) -> list[Mutant]:
    """At most `count` different mutants of the module, in the order of its lines."""
    mutants = list(mutants_of(module, (ROOT / module).read_text("utf-8")))
    return sorted(random.sample(mutants, min(count, len(mutants))), key=lambda each: each.line)


def mutants_of(module: Path, source: str) -> Iterator[Mutant]:
    tree = ast.parse(source)
    untouched = set(_undecided(tree))
    for index, node in enumerate(ast.walk(tree)):
        if node in untouched:
            continue
        for changed in _changes(node):
            mutated = copy.deepcopy(tree)
            target = list(ast.walk(mutated))[index]
            change = f"{ast.unparse(node)} → {ast.unparse(changed)}"
            target.__class__ = changed.__class__
            target.__dict__.update(vars(changed))
            line = getattr(node, "lineno", 0)
            yield Mutant(module, line, change, ast.unparse(ast.fix_missing_locations(mutated)))


def _undecided(tree: ast.AST) -> Iterator[ast.AST]:
    """Decorators: `frozen=True` is a promise to the type checker rather than to a test."""
    for node in ast.walk(tree):
        for decorator in getattr(node, "decorator_list", []):
            yield from ast.walk(decorator)


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[operator, *others]) if type(operator) in _COMPARISONS:
            changed = [_COMPARISONS[type(operator)](), *others]
            yield ast.Compare(node.left, changed, node.comparators)
        case ast.BinOp(op=operator) if type(operator) in _OPERATORS:
            # A union of types in an annotation has another operator and stays as it is.
            yield ast.BinOp(node.left, _OPERATORS[type(operator)](), node.right)
        case ast.BoolOp(op=operator):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), node.values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield ast.Call(ast.Name("bool", ast.Load()), [operand], [])
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield ast.Return(ast.Constant(None))


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _survivors(mutants: Sequence[Mutant], tests: Sequence[Path] | None) -> list[Mutant]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for package in _PACKAGES:
            copytree(ROOT / package, place / package, ignore=ignore_patterns("__pycache__"))
        (place / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
        return [each for each in mutants if _survives(each, place, tests or [_test_of(each)])]


def _test_of(mutant: Mutant) -> Path:
    module = mutant.module
    return Path("tests/unit", module.parent, f"test_{module.name}")


def _survives(mutant: Mutant, place: Path, tests: Sequence[Path]) -> bool:
    path = place / mutant.module
    original = path.read_bytes()
    path.write_text(mutant.source, "utf-8")
    try:
        survived = _passes(place, tests)
    finally:
        path.write_bytes(original)
    if survived:
        print(f"{mutant.module}:{mutant.line}: {mutant.change}")  # noqa: T201 - its output
    return survived


def _passes(place: Path, tests: Sequence[Path]) -> bool:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        *map(str, tests),
    ]
    try:
        ended = subprocess.run(
            command, cwd=place, capture_output=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    if ended.returncode > 1:
        raise RuntimeError(f"pytest ended with {ended.returncode}: {ended.stdout.decode()[-500:]}")
    return ended.returncode == 0


if __name__ == "__main__":
    main()
