"""Objectives: parsed from text, and checked against a judgement."""

import pytest

from loadgen.judgement import Figures, Judgement
from loadgen.judging.judge import judge
from loadgen.judging.objective import Objective, check, parse_objective
from tests.unit.loadgen.evidence_factory import bundle, experiment, records

#: Medians of 2 ms (naive) and 1 ms (optimized); each p99 is 1.5 times the median; 100 requests/s.
JUDGEMENT = judge(bundle(experiment(records([2.0] * 4))))


def lines(text: str, judgement: Judgement = JUDGEMENT) -> list[str]:
    return [result.line for result in check([parse_objective(text)], judgement)]


@pytest.mark.parametrize(
    ("text", "arm", "quantity", "bound"),
    [
        ("optimized.p99<20ms", "optimized", "p99", 20.0),
        ("naive.p50<500us", "naive", "p50", 0.5),
        ("naive.p95<1.5s", "naive", "p95", 1500.0),
        ("keyset-2.mean<3ms", "keyset-2", "mean", 3.0),
        ("optimized.throughput>500", "optimized", "throughput", 500.0),
        ("optimized.throughput>500/s", "optimized", "throughput", 500.0),
        ("optimized.errors<0.1%", "optimized", "errors", 0.001),
        ("  optimized.p99 < 20 ms ", "optimized", "p99", 20.0),
    ],
)
def test_an_objective_is_an_arm_a_quantity_and_a_bound(
    text: str, arm: str, quantity: str, bound: float
) -> None:
    found = parse_objective(text)
    assert (found.arm, found.quantity) == (arm, quantity)
    assert found.bound == pytest.approx(bound)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no objective like optimized.p99<20ms"),
        ("p99<20ms", "is no objective like"),
        ("optimized.p99<", "is no objective like"),
        ("optimized.p99<-5ms", "is no objective like"),
        ("optimized.p99<1e3ms", "is no objective like"),
        ("optimized.p99=20ms", "is no objective like"),
        ("optimized.p99<20ms,naive.p50<1s", "is no objective like"),
        (
            "optimized.p98<20ms",
            "unknown quantity 'p98'; use p50, p95, p99, mean, throughput, errors",
        ),
        ("optimized.p99<20", "the unit of p99 is one of: us, ms, s"),
        ("optimized.p99<20%", "the unit of p99 is one of: us, ms, s"),
        ("optimized.p99<20min", "the unit of p99 is one of: us, ms, s"),
        ("optimized.throughput>20ms", "the unit of throughput is one of: none, /s"),
        ("optimized.errors<0.1", "the unit of errors is one of: %"),
        ("optimized.p99>20ms", "a bound on p99 is written with <"),
        ("optimized.throughput<20", "a bound on throughput is written with >"),
    ],
)
def test_a_text_that_is_no_objective_is_refused_with_the_accepted_form(
    text: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_objective(text)
    assert str(caught.value).startswith(f"{text!r}")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("optimized.p50<1.1ms", "met: made-up: optimized.p50<1.1ms: 0.995"),
        ("optimized.p50<0.9ms", "missed: made-up: optimized.p50<0.9ms: 0.995"),
        ("naive.p99<3100us", "met: made-up: naive.p99<3100us: 2.9"),
        ("naive.p99<0.002s", "missed: made-up: naive.p99<0.002s: 2.9"),
        ("naive.mean<2.1ms", "met: made-up: naive.mean<2.1ms: 2"),
        ("naive.p95<2ms", "missed: made-up: naive.p95<2ms: 2.9"),
        ("naive.throughput>99", "met: made-up: naive.throughput>99: 100.0/s"),
        ("naive.throughput>100", "missed: made-up: naive.throughput>100: 100.0/s"),
        ("naive.errors<0.1%", "met: made-up: naive.errors<0.1%: 0 %"),
        ("control.p50<3ms", "met: made-up: control.p50<3ms: "),
    ],
)
def test_an_objective_is_met_or_missed(text: str, line: str) -> None:
    (found,) = lines(text)
    assert found.startswith(line)


def test_an_objective_is_checked_against_every_experiment_with_its_arm() -> None:
    both = judge(
        bundle(
            experiment(records([2.0] * 4), name="one"),
            experiment(records([9.0] * 4), name="other"),
        )
    )
    assert [line.split(": ")[:2] for line in lines("naive.p50<5ms", both)] == [
        ["met", "one"],
        ["missed", "other"],
    ]


def test_every_objective_is_checked() -> None:
    asked = [parse_objective("naive.p50<5ms"), parse_objective("optimized.p50<0.5ms")]
    assert [result.met for result in check(asked, JUDGEMENT)] == [True, False]


def test_an_objective_for_an_unknown_arm_is_missed() -> None:
    (result,) = check([parse_objective("optimised.p50<5ms")], JUDGEMENT)
    assert result.line == "missed: optimised.p50<5ms: no experiment has this arm"
    assert not result.met


def test_an_invalid_experiment_meets_no_objective() -> None:
    changes = {("naive", 0): {"errors": 5}}
    invalid = judge(bundle(experiment(records([2.0] * 4, changes))))
    (result,) = check([parse_objective("naive.p50<1s")], invalid)
    assert not result.met
    assert result.line == (
        "missed: made-up: naive.p50<1s: invalid:"
        " 5 of 405 requests to naive failed, first: status 503"
    )


def test_an_objective_keeps_its_text() -> None:
    assert parse_objective(" naive.p50 < 5ms ") == Objective("naive.p50 < 5ms", "naive", "p50", 5.0)


def test_an_invalid_experiment_without_figures_meets_no_objective() -> None:
    invalid = judge(bundle(experiment(answers_equal=False, difference="$.x")))
    assert lines("optimized.p50<1s", invalid) == [
        "missed: made-up: optimized.p50<1s: invalid: the arms answer differently: $.x"
    ]


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("naive.p50<5ms", False),
        ("naive.p50<5.0001ms", True),
        ("naive.throughput>100", False),
        ("naive.throughput>99.9", True),
        ("naive.errors<20%", False),
        ("naive.errors<20.1%", True),
    ],
)
def test_a_value_equal_to_its_bound_misses(text: str, met: bool) -> None:
    figures = Figures(5.0, 6.0, 7.0, 5.5, 100.0, 80, 20, 1.0, {})
    assert parse_objective(text).is_met_by(figures) is met


def test_the_share_of_errors_is_of_all_requests() -> None:
    many = {("naive", pair): {"answered": 2499, "errors": 1} for pair in range(4)}
    judgement = judge(bundle(experiment(records([2.0] * 4, many))))
    assert lines("naive.errors<1%", judgement) == ["met: made-up: naive.errors<1%: 0.04 %"]
