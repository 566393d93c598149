"""Check that docstrings, comments and documents can be understood at the first reading.

`python -m tests.architecture.prose [PATH…]` names each sentence that is too long and each phrase
that a file leans on. Without paths it reads every file that git tracks.
"""

import ast
import io
import re
import subprocess
import sys
import textwrap
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAXIMUM_WORDS = 30
#: A sentence that names a source may be as long as the titles in it.
_SOURCES = ("Source:", "Sources:")
#: Phrases that leave the reader to guess the subject.
PHRASES = (
    "whoever",
    "whatever",
    "nobody",
    "somebody",
    "anew",
    "alike",
    "as much as",
    "as many as",
    "of its own",
    "none of which",
    "none of them",
    "of which",
    "who came",
    "those who",
    "those that",
    "one that",
    "what is",
    "is what",
    "what it",
    "what was",
    "of what",
    "and what",
    "what came of",
    "is told",
    "are told",
    "is asked",
    "are asked",
    "was asked",
    "is to be",
    "are to be",
    "as it was",
    "goes away",
    "all the same",
    "no such",
)
#: In one file, of each phrase.
MAXIMUM_USES = 1
_GENERATED = re.compile(r"<!-- measured: .*?<!-- end of measured -->", re.DOTALL)
_HASH_FILES = ("Makefile", "Dockerfile", "compose.yaml", ".env", "run")
_SKIPPED = ("loadgen/reports/", "monitoring/generated/", "requirements/")


@dataclass(frozen=True, slots=True)
class Passage:
    """Consecutive prose of a file, and the line where it begins."""

    line: int
    text: str


def main() -> None:
    paths = [Path(each).resolve() for each in sys.argv[1:]] or list(_tracked())
    findings = [finding for path in paths for finding in findings_in(path)]
    sys.stdout.writelines(f"{finding}\n" for finding in findings)
    sys.exit(bool(findings))


def _tracked() -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files"],  # noqa: S607 - the git that the reader uses
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    for name in listed.stdout.splitlines():
        if not name.startswith(_SKIPPED) and (ROOT / name).exists():
            yield ROOT / name


def findings_in(path: Path) -> list[str]:
    """One line each: `file:line: finding`."""
    name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    passages = list(passages_of(path))
    long = [
        f"{name}:{passage.line}: {words} words, at most {MAXIMUM_WORDS} a sentence: {sentence:.50}…"
        for passage in passages
        for sentence, words in long_sentences(passage.text)
    ]
    whole = " ".join(passage.text for passage in passages).lower()
    leaning = [
        f"{name}: “{phrase}” {uses} times, at most {MAXIMUM_USES}: name the thing"
        for phrase in PHRASES
        if (uses := len(re.findall(rf"\b{phrase}\b", whole))) > MAXIMUM_USES
    ]
    return long + leaning


def passages_of(path: Path) -> Iterator[Passage]:
    """Nothing for a file of another kind."""
    if path.suffix == ".py":
        text = path.read_text("utf-8")
        yield from _docstrings(text)
        yield from _comments(text)
    elif path.suffix == ".md":
        yield Passage(1, _GENERATED.sub("", path.read_text("utf-8")))
    elif path.name in _HASH_FILES:
        lines = enumerate(map(str.strip, path.read_text("utf-8").splitlines()), 1)
        yield from _joined((number, line[1:]) for number, line in lines if line.startswith("#"))


def _docstrings(text: str) -> Iterator[Passage]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield Passage(node.body[0].lineno, docstring)


def _comments(text: str) -> Iterator[Passage]:
    """Comments on lines of their own are joined; a comment behind code stands alone."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = [token for token in tokens if token.type == tokenize.COMMENT]
    behind_code = [token for token in comments if not token.line.strip().startswith("#")]
    yield from (Passage(token.start[0], token.string.lstrip("#: ")) for token in behind_code)
    yield from _joined(
        (token.start[0], token.string.lstrip("#:"))
        for token in comments
        if token not in behind_code
    )


def _joined(lines: Iterator[tuple[int, str]]) -> Iterator[Passage]:
    """Comments on consecutive lines are one passage."""
    numbered = enumerate(lines)
    for _, group in groupby(numbered, key=lambda each: each[1][0] - each[0]):
        found = [line for _, line in group]
        yield Passage(found[0][0], "\n".join(text.removeprefix(" ") for _, text in found))


def long_sentences(text: str) -> Iterator[tuple[str, int]]:
    """Each sentence over the bound, with its number of words."""
    for paragraph in _paragraphs(text):
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z“\"`*])", paragraph):
            words = len([word for word in sentence.split() if re.search(r"\w", word)])
            if words > MAXIMUM_WORDS and not sentence.startswith(_SOURCES):
                yield sentence, words


def _paragraphs(text: str) -> Iterator[str]:
    """Without code, tables, headings and links' addresses; each item of a list is one."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"`[^`]*`", "Code", text)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    for block in re.split(r"\n\s*\n", textwrap.dedent(text)):
        lines = [line for line in block.splitlines() if not re.match(r" {4}|\||#", line)]
        for item in re.split(r"\n(?=\s*(?:[-*]|\d+\.)\s)", "\n".join(lines)):
            yield " ".join(re.sub(r"^\s*(?:[-*]|\d+\.)\s", "", item).split())


if __name__ == "__main__":
    main()
