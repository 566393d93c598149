"""The check of prose finds planted faults, and passes plain sentences."""

from pathlib import Path

import pytest

from tests.architecture.prose import MAXIMUM_USES, MAXIMUM_WORDS, PHRASES, findings_in

LONG = " ".join(["word"] * (MAXIMUM_WORDS + 1))


@pytest.mark.parametrize(
    "source",
    [
        f'"""{LONG}."""',
        f'def function() -> None:\n    """Short first line.\n\n    {LONG}.\n    """',
        f'class Name:\n    """{LONG}."""',
        f"x = 1\n# {LONG}.",
        f"#: {LONG[:80]}\n#: {LONG[80:]}.",
        f"# {LONG}; another part, which a semicolon does not make a sentence.",
    ],
)
def test_a_long_sentence_is_found_in_docstrings_and_comments(source: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(source, "utf-8")
    (finding,) = findings_in(path)
    assert f"at most {MAXIMUM_WORDS}" in finding


@pytest.mark.parametrize("name", ["README.md", "Makefile", "compose.yaml"])
def test_a_long_sentence_is_found_in_documents_and_configuration(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(f"# {LONG}\n\n{LONG}.\n", "utf-8")
    assert len(findings_in(path)) == 1


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_phrase_may_not_be_used_often_in_a_file(phrase: str, tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"This is {phrase}.\n" * MAXIMUM_USES, "utf-8")
    assert findings_in(path) == []
    path.write_text(f"This is {phrase}.\n" * (MAXIMUM_USES + 1), "utf-8")
    assert any(phrase in finding for finding in findings_in(path))


@pytest.mark.parametrize(
    "text",
    [
        f"{' '.join(['word'] * MAXIMUM_WORDS)}. {' '.join(['Word'] * MAXIMUM_WORDS)}.",
        f"```\n{LONG}\n```\n",
        f"| {LONG} |\n",
        f"`{LONG}` is one word.",
        f"Source: {LONG}.",
        "\n".join(f"- Item {number} has its own sentence" for number in range(20)),
        f"<!-- measured: by a program -->\n{LONG}\n<!-- end of measured -->",
    ],
)
def test_plain_documents_pass(text: str, tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(text, "utf-8")
    assert findings_in(path) == []
