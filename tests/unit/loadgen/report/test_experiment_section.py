"""What the section on one experiment shows, and which parts it leaves out."""

from msgspec.structs import replace

from loadgen.judgement import ExperimentJudgement, Verdict
from loadgen.report.density_plot import DensityPlot
from loadgen.report.experiment_section import ExperimentSection, experiment_section
from loadgen.report.forest_plot import ForestPlot
from loadgen.sending.histogram import Histogram
from tests.unit.loadgen.report import sample

FOUND = sample.TECHNIQUES["caching"]
HISTOGRAMS = sample.histograms()["caching"]


def section(experiment: ExperimentJudgement) -> ExperimentSection:
    return experiment_section("experiment-0", "caching", experiment, HISTOGRAMS, None)


def speedup_labels(experiment: ExperimentJudgement) -> list[str]:
    figure = section(experiment).speedups
    assert figure
    assert isinstance(figure.wide, ForestPlot)
    return [row.label for row in figure.wide.rows]


def latency_labels(shown: ExperimentSection) -> list[str]:
    assert shown.latencies
    assert isinstance(shown.latencies.wide, DensityPlot)
    return [panel.label for panel in shown.latencies.wide.panels]


def test_the_title_of_an_experiment_is_its_heading() -> None:
    assert section(sample.experiment(FOUND)).title == "Caching"


def test_without_a_title_the_name_is_the_heading() -> None:
    assert section(replace(sample.experiment(FOUND), title="")).title == "caching"


def test_arms_stand_in_the_order_of_the_judgement() -> None:
    shown = section(sample.experiment(FOUND))
    assert [arm.name for arm in shown.arms] == ["naive", "optimized", "control"]
    assert [arm.style for arm in shown.arms] == ["arm baseline", "arm candidate0", "arm control"]
    assert latency_labels(shown) == ["naive", "optimized", "control"]


def test_arms_without_latencies_have_no_density_curve() -> None:
    experiment = sample.experiment(FOUND)
    latencies = {"naive": HISTOGRAMS["naive"], "optimized": Histogram()}
    assert latency_labels(experiment_section("e", "caching", experiment, latencies, None)) == [
        "naive"
    ]
    assert experiment_section("e", "caching", experiment, {}, None).latencies is None


def test_speedups_of_a_single_candidate_are_named_by_quantity_only() -> None:
    labels = speedup_labels(sample.experiment(FOUND))
    assert labels == ["p50", "p95", "p99", "throughput"]


def test_speedups_of_several_candidates_are_named_by_arm_and_quantity() -> None:
    experiment = sample.experiment(FOUND)
    more = replace(
        experiment,
        arms={**experiment.arms, "other": experiment.arms["optimized"]},
        comparisons={**experiment.comparisons, "other": experiment.comparisons["optimized"]},
    )
    labels = speedup_labels(more)
    assert labels[0] == "optimized: p50"
    assert labels[-1] == "other: throughput"
    assert len(labels) == 8


def test_an_invalid_experiment_shows_no_speedup() -> None:
    invalid = replace(sample.experiment(FOUND), verdict=Verdict.INVALID, reason="late")
    assert section(invalid).speedups is None


def test_a_difference_is_shown_only_beside_another_reason() -> None:
    assert section(sample.unmeasured("late", "$.items: 1 and 2")).difference == "$.items: 1 and 2"
    assert section(sample.unmeasured("", "$.items: 1 and 2")).difference == ""


def test_each_receipt_has_a_value_for_each_arm() -> None:
    experiment = sample.experiment(FOUND)
    control = replace(experiment.arms["control"], receipts={})
    shown = section(replace(experiment, arms={**experiment.arms, "control": control}))
    assert [(row.name, row.values) for row in shown.receipts] == [
        ("statements per request", ["3", "0.04", "–"]),
        ("CPU ms", ["0.41", "0.15", "–"]),
    ]


def test_the_sweep_of_an_experiment_is_part_of_its_section() -> None:
    experiment, sweep = sample.experiment(FOUND), sample.sweep()
    shown = experiment_section("experiment-0", "caching", experiment, {}, sweep).sweep
    assert shown
    assert shown.figure
    assert shown.figure.wide.frame.identifier == "experiment-0-sweep-900"
    assert shown.figure.wide.frame.title == "Caching over rows"
