"""The figures in the README and the cards, and the messages about missing documents."""

import dataclasses
from pathlib import Path

import pytest
from msgspec.structs import replace

from loadgen import documents
from loadgen.documents import (
    DocumentIncomplete,
    card_table,
    evidence,
    readme_table,
    with_block,
    write_documents,
)
from loadgen.judgement import Verdict, encode
from loadgen.report.run_overview import overview_svg
from services.catalog import TECHNIQUES
from tests.unit.loadgen.report import sample


def test_the_readme_has_a_row_for_each_technique() -> None:
    table = readme_table(sample.judgement())
    rows = [line for line in table.splitlines() if line.startswith("| [")]
    assert len(rows) == len(TECHNIQUES)
    for technique, row in zip(TECHNIQUES, rows, strict=True):
        assert f"[{technique.title}](services/{technique.package}/README.md)" in row
        if technique.name in sample.TECHNIQUES:
            assert row.endswith(f"| ±2 % | {sample.TECHNIQUES[technique.name].verdict} |")
        else:
            assert row.endswith("| not measured yet |")
    assert "| 1.54 → 0.58 | 3.61 → 1.14 | 2,339 → 6,280 | 2.61× (2.19–3.40) |" in rows[0]


def test_the_readme_and_its_picture_show_the_first_of_several_variants() -> None:
    found = sample.experiment(sample.TECHNIQUES["caching"])
    arms = {**found.arms, "two-tier": found.arms["optimized"]}
    comparisons = {**found.comparisons, "two-tier": found.comparisons["optimized"]}
    more = sample.judgement({"caching": replace(found, arms=arms, comparisons=comparisons)})
    alone = sample.judgement({"caching": found})
    assert readme_table(more) == readme_table(alone)
    assert overview_svg(more) == overview_svg(alone)


def test_the_readme_states_where_it_was_measured() -> None:
    last = readme_table(sample.judgement()).splitlines()[-1]
    assert last.startswith("Measured 2026-11-23 on 2 cores of AMD EPYC, 24 GiB, Linux 6.18")
    assert last.endswith("everything on one machine.")


def test_a_technique_without_evidence_is_not_measured_yet() -> None:
    judgement = sample.judgement({"caching": sample.unmeasured("too busy")})
    assert "| – | – | – | – | – | invalid |" in readme_table(judgement)
    assert (
        "| [Compression](services/compression/README.md) | – | – | – | – | – | not measured yet |"
        in readme_table(judgement)
    )
    assert readme_table(judgement).count("not measured yet") == len(TECHNIQUES) - 1
    assert "**no verdict: too busy.**" in card_table(judgement, {}, "caching")
    assert card_table(judgement, {}, "pagination") == "Not measured yet."


def test_a_card_has_a_row_for_each_variant_but_not_for_the_control() -> None:
    found = sample.TECHNIQUES["json-serialization"]
    experiment = sample.experiment(found)
    third = sample.arm(dataclasses.replace(found.naive, p50=15.0))
    compared = sample.comparison(sample.ratio(1.05, 0.9, 1.2), Verdict.NO_DIFFERENCE_SHOWN)
    experiment = replace(
        experiment,
        arms={**experiment.arms, "third": third},
        comparisons={**experiment.comparisons, "third": compared},
    )
    card = card_table(
        sample.judgement({"json-serialization": experiment}), {}, "json-serialization"
    )
    rows = [line.split(" | ")[0] for line in card.splitlines() if line.startswith("|")]
    assert rows == ["| variant", "| ---", "| naive", "| optimized", "| third"]
    assert "| 1.05× (0.90–1.20) | **no difference shown** |" in card


def test_a_card_has_the_explanation_and_the_break_even() -> None:
    sweeps = {"n-plus-one": sample.sweep(sample.ratio(12, 9, 15))}
    card = card_table(sample.judgement(), sweeps, "n-plus-one")
    assert "What explains it: statements per request 51 → 2." in card
    assert "Breaks even at rows ≈ 12 (9–15)." in card
    swept = [line for line in card.splitlines() if line.startswith("| 1 | ")]
    assert swept == ["| 1 | 0.31 | 0.33 | 0.94× (0.89–0.99) | slower |"]
    assert "Noise floor, naive against itself: 0.98–1.02." in card


def test_every_document_has_a_place_for_its_figures() -> None:
    pages = documents.documents(sample.judgement(), {})
    assert len(pages) == 1 + len(TECHNIQUES)
    for path, text in pages:
        assert path.exists()
        assert "Measured 2026-11-23" in text or "Not measured yet." in text


def test_evidence_is_the_judgement_with_all_sweeps_below_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "judgement.json"
    path.write_bytes(encode(sample.judgement()))
    for name in ("caching", "pagination"):
        folder = tmp_path / "sweeps" / name
        folder.mkdir(parents=True)
        (folder / "sweeps.json").write_bytes(encode({name: sample.sweep()}))
    judgement, sweeps = evidence(path)
    assert judgement == sample.judgement()
    assert sweeps.keys() == {"caching", "pagination"}


@pytest.mark.parametrize("content", [b"", b"{", b"[]"])
def test_a_damaged_judgement_is_refused_with_its_path(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "judgement.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"^{path}: .*; run `make bench`$"):
        evidence(path)


BLOCK = "<!-- measured: written by `make bench` -->\n{}\n<!-- end of measured -->"


def test_a_block_replaces_the_figures_and_nothing_else(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(f"# Card\n\n{BLOCK.format('old')}\n\n## Next\n", "utf-8")
    text = with_block(card, r"new \1")
    assert text == "# Card\n\n" + BLOCK.format(r"new \1") + "\n\n## Next\n"


def test_a_missing_card_is_reported_in_one_line(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    with pytest.raises(DocumentIncomplete) as caught:
        with_block(card, "new")
    assert str(caught.value) == f"{card} is missing; copy the card of another technique"


def test_a_card_without_a_place_for_figures_is_reported_in_one_line(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text("# Card\n", "utf-8")
    with pytest.raises(DocumentIncomplete) as caught:
        with_block(card, "new")
    message = str(caught.value)
    assert message.startswith(f"{card} has no place for its figures; copy the section Measured")
    assert "\n" not in message


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A README and a card for each technique, without figures."""
    monkeypatch.setattr(documents, "ROOT", tmp_path)
    for technique in TECHNIQUES:
        (tmp_path / "services" / technique.package).mkdir(parents=True)
    for folder in (tmp_path, *(tmp_path / "services").iterdir()):
        (folder / "README.md").write_text(BLOCK.format("old"), "utf-8")
    return tmp_path


def test_a_check_names_each_document_that_differs_and_changes_nothing(repository: Path) -> None:
    with pytest.raises(ValueError, match=r"; run `python -m loadgen\.documents`$") as caught:
        write_documents(sample.judgement(), {}, check=True)
    message = str(caught.value)
    assert message.startswith("README.md, services/caching/README.md, ")
    assert "\n" not in message
    assert (repository / "README.md").read_text("utf-8") == BLOCK.format("old")


def test_written_documents_pass_the_check(repository: Path) -> None:
    write_documents(sample.judgement(), {}, check=False)
    write_documents(sample.judgement(), {}, check=True)
    assert "Measured 2026-11-23" in (repository / "README.md").read_text("utf-8")


def test_the_command_reports_a_missing_card_without_a_traceback(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "services" / "caching" / "README.md").unlink()
    monkeypatch.setattr("sys.argv", ["documents", "--check"])
    with pytest.raises(SystemExit) as caught:
        documents.main()
    assert caught.value.code == (
        "error: services/caching/README.md is missing; copy the card of another technique"
    )
