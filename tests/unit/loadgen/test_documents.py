"""What the README and the cards say of the evidence."""

import dataclasses
from pathlib import Path

from msgspec.structs import replace

from loadgen import documents
from loadgen.documents import card_table, evidence, readme_table
from loadgen.judgement import Verdict, encode
from loadgen.report.run_overview import overview_svg
from services.catalog import TECHNIQUES
from tests.unit.loadgen.report import sample


def test_the_readme_has_a_row_for_each_technique() -> None:
    table = readme_table(sample.document())
    rows = [line for line in table.splitlines() if line.startswith("| [")]
    assert len(rows) == len(TECHNIQUES)
    for technique, row in zip(TECHNIQUES, rows, strict=True):
        assert f"[{technique.title}](services/{technique.package}/README.md)" in row
        assert row.endswith(f"| ±2 % | {sample.TECHNIQUES[technique.name].verdict} |")
    assert "| 1.54 → 0.58 | 3.61 → 1.14 | 2,339 → 6,280 | 2.61× (2.19–3.40) |" in rows[0]


def test_of_several_variants_the_readme_and_its_picture_have_the_first() -> None:
    found = sample.experiment(sample.TECHNIQUES["caching"])
    arms = {**found.arms, "two-tier": found.arms["optimized"]}
    comparisons = {**found.comparisons, "two-tier": found.comparisons["optimized"]}
    more = sample.document({"caching": replace(found, arms=arms, comparisons=comparisons)})
    alone = sample.document({"caching": found})
    assert readme_table(more) == readme_table(alone)
    assert overview_svg(more) == overview_svg(alone)


def test_the_readme_says_where_it_was_measured() -> None:
    last = readme_table(sample.document()).splitlines()[-1]
    assert last.startswith("Measured 2026-11-23 on 2 cores of AMD EPYC, 24 GiB, Linux 6.18")
    assert last.endswith("everything on one machine.")


def test_what_was_not_measured_is_left_out_or_says_so() -> None:
    document = sample.document({"caching": sample.unmeasured("too busy")})
    assert "| – | – | – | – | – | invalid |" in readme_table(document)
    assert "Compression" not in readme_table(document)
    assert "**no verdict: too busy.**" in card_table(document, {}, "caching")
    assert card_table(document, {}, "pagination") == "Not measured yet."


def test_a_card_has_all_variants_and_no_control() -> None:
    found = sample.TECHNIQUES["json-serialization"]
    experiment = sample.experiment(found)
    third = sample.arm(dataclasses.replace(found.naive, p50=15.0))
    compared = sample.comparison(sample.ratio(1.05, 0.9, 1.2), Verdict.NO_DIFFERENCE_SHOWN)
    experiment = replace(
        experiment,
        arms={**experiment.arms, "third": third},
        comparisons={**experiment.comparisons, "third": compared},
    )
    card = card_table(sample.document({"json-serialization": experiment}), {}, "json-serialization")
    rows = [line.split(" | ")[0] for line in card.splitlines() if line.startswith("|")]
    assert rows == ["| variant", "| ---", "| naive", "| optimized", "| third"]
    assert "| 1.05× (0.90–1.20) | **no difference shown** |" in card


def test_a_card_explains_and_tells_where_it_breaks_even() -> None:
    sweeps = {"n-plus-one": sample.sweep(sample.ratio(12, 9, 15))}
    card = card_table(sample.document(), sweeps, "n-plus-one")
    assert "What explains it: statements per request 51 → 2." in card
    assert "Breaks even at rows ≈ 12 (9–15)." in card
    swept = [line for line in card.splitlines() if line.startswith("| 1 | ")]
    assert swept == ["| 1 | 0.31 | 0.33 | 0.94× (0.89–0.99) | slower |"]
    assert "Noise floor, naive against itself: 0.98–1.02." in card


def test_every_document_has_a_place_for_its_figures() -> None:
    pages = documents.documents(sample.document(), {})
    assert len(pages) == 1 + len(TECHNIQUES)
    for path, text in pages:
        assert path.exists()
        assert "Measured 2026-11-23" in text


def test_evidence_is_the_judgement_with_all_sweeps_in_folders_beside_it(tmp_path: Path) -> None:
    judgement = tmp_path / "judgement.json"
    judgement.write_bytes(encode(sample.document()))
    for name in ("caching", "pagination"):
        folder = tmp_path / "sweeps" / name
        folder.mkdir(parents=True)
        (folder / "sweeps.json").write_bytes(encode({name: sample.sweep()}))
    document, sweeps = evidence(judgement)
    assert document == sample.document()
    assert sweeps.keys() == {"caching", "pagination"}
