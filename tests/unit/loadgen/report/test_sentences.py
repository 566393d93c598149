"""Sentences about a judgement."""

from msgspec.structs import replace

from loadgen.judgement import Verdict
from loadgen.report.sentences import (
    break_even_sentence,
    claim,
    claims,
    explanation,
    provenance,
    receipt_name,
    refusal,
    tally,
    unreported_difference,
)
from tests.unit.loadgen.report import sample

CACHING = sample.experiment(sample.TECHNIQUES["caching"])


def test_a_claim_of_equal_arms_says_no_difference_shown() -> None:
    experiment = sample.experiment(sample.TECHNIQUES["caching"])
    verdict = Verdict.NO_DIFFERENCE_SHOWN
    compared = {"optimized": sample.comparison(sample.ratio(1.004, 0.98, 1.02), verdict)}
    (claim,) = claims(replace(experiment, comparisons=compared, verdict=verdict))
    assert claim.startswith("optimized and naive: no difference shown at the median, 1.00×; 95 %")


def test_an_explanation_names_only_receipts_that_differ() -> None:
    experiment = sample.experiment(sample.TECHNIQUES["caching"])
    receipts = {
        "naive": {"CPU ms": 0.4, "bytes": 1891.0, "dropped": 0.0, "statements": 51.0},
        "optimized": {"CPU ms": 0.2, "bytes": 1897.0, "dropped": 0.5, "statements": 2.0},
    }
    arms = {arm: replace(experiment.arms[arm], receipts=found) for arm, found in receipts.items()}
    assert (
        explanation(replace(experiment, arms=arms))
        == "dropped 0 → 0.5; statements 51 → 2; CPU ms 0.4 → 0.2"
    )


def test_a_sweep_has_a_sentence_on_its_break_even() -> None:
    place = sample.ratio(12.0, 9.0, 15.2)
    assert break_even_sentence(sample.sweep(place)) == "Breaks even at rows ≈ 12 (9–15.2)."
    assert break_even_sentence(sample.sweep()) == "Break-even over rows: none in range."


def test_the_provenance_has_the_known_facts() -> None:
    judgement = replace(sample.judgement(), machine={}, settings={"rate": 200, "seed": 7})
    assert provenance(judgement) == (
        "Measured 2026-11-23 on an unknown processor: 200 requests/s, seed 7"
    )


def test_a_claim_names_factor_interval_and_noise_floor() -> None:
    assert claims(CACHING) == [
        "optimized is 2.61× faster at the median; 95 % interval 2.19–3.40; noise floor 0.98–1.02"
    ]
    without_control = replace(CACHING, noise_floor=None)
    assert claim(without_control, "optimized").endswith("95 % interval 2.19–3.40")


def test_a_slower_arm_is_described_by_the_inverse_of_its_ratio() -> None:
    compared = {"optimized": sample.comparison(sample.ratio(0.25, 0.2, 0.3), Verdict.SLOWER)}
    (sentence,) = claims(replace(CACHING, comparisons=compared, verdict=Verdict.SLOWER))
    assert sentence.startswith("optimized is 4.00× slower at the median: a speed-up of 0.25×; ")


def test_an_arm_that_was_not_compared_is_named() -> None:
    assert claim(CACHING, "two-tier") == "two-tier: not compared"


def test_an_experiment_without_a_verdict_gives_its_reason() -> None:
    assert claims(sample.unmeasured("too late")) == ["no verdict: too late"]
    assert refusal(sample.unmeasured("", "$.x")) == "no verdict: $.x"
    assert refusal(sample.unmeasured("")) == "no verdict: nothing was measured"


def test_a_difference_is_reported_only_once() -> None:
    assert unreported_difference(sample.unmeasured("answers differ", "$.x")) == "$.x"
    assert unreported_difference(sample.unmeasured("answers differ: $.x", "$.x")) == ""
    assert unreported_difference(sample.unmeasured("", "$.x")) == ""
    assert unreported_difference(sample.unmeasured("too late")) == ""


def test_a_tally_counts_experiments_by_verdict() -> None:
    broken = sample.unmeasured("x")
    judgement = sample.judgement({"a": CACHING, "b": CACHING, "c": broken})
    assert tally(judgement) == "3 experiments: 2 faster, 1 invalid"
    assert tally(sample.judgement({"a": CACHING})) == "1 experiment: 1 faster"
    assert tally(sample.judgement({})) == "0 experiments"


def test_an_explanation_of_several_arms_names_each() -> None:
    figures = CACHING.arms["naive"]
    arms = {
        name: replace(figures, receipts={"statements": count, "zero": 0.0})
        for name, count in (("naive", 50.0), ("optimized", 2.0), ("join", 1.0))
    }
    assert explanation(replace(CACHING, arms=arms)) == "statements naive 50, optimized 2, join 1"


def test_an_explanation_has_four_receipts_at_most() -> None:
    figures = CACHING.arms["naive"]
    arms = {
        arm: replace(figures, receipts={f"r{index}": 1.0 + index * more for index in range(9)})
        for arm, more in (("naive", 0.0), ("optimized", 1.0))
    }
    assert explanation(replace(CACHING, arms=arms)) == "r8 1 → 9; r7 1 → 8; r6 1 → 7; r5 1 → 6"


def test_a_receipt_of_one_arm_or_with_equal_values_explains_nothing() -> None:
    naive = replace(CACHING.arms["naive"], receipts={"only": 5.0, "same": 1.0})
    optimized = replace(CACHING.arms["optimized"], receipts={"same": 1.09})
    assert explanation(replace(CACHING, arms={"naive": naive, "optimized": optimized})) == ""


def test_the_name_of_a_receipt_has_no_underscores() -> None:
    assert receipt_name("shop_queries_total per request") == "shop queries total per request"


def test_a_sweep_without_a_break_even_says_why() -> None:
    note = "none in range: faster at 1 to 10"
    assert break_even_sentence(sample.sweep(None, note)) == (
        "Break-even over rows: none in range: faster at 1 to 10."
    )


def test_the_provenance_names_machine_and_load() -> None:
    assert provenance(sample.judgement()) == (
        "Measured 2026-11-23 on 2 cores of AMD EPYC, 24 GiB, Linux 6.18, Python 3.11.7:"
        " 8 pairs of blocks of 0.5 s, 4 clients, seed 1"
    )
    assert provenance(replace(sample.judgement(), settings={})) == (
        "Measured 2026-11-23 on 2 cores of AMD EPYC, 24 GiB, Linux 6.18, Python 3.11.7"
    )
