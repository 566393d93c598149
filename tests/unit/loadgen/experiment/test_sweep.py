"""Sweeps: read from text, and turned into steps of workload and load."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.experiment.load_options import LoadOptions
from loadgen.experiment.subject import Subject
from loadgen.experiment.sweep import (
    Step,
    parse_sweep,
    step_options,
    step_subject,
    steps,
    sweep_settings,
)
from loadgen.judging.judge import judge, judge_sweep
from services.catalog import BY_NAME, TECHNIQUES
from services.contract import Constant, Sweep
from tests.unit.loadgen.evidence_factory import SETTINGS, bundle, experiment, records
from tests.unit.services.example_technique import MADE_UP

# From text


def test_values_are_sorted_and_unique() -> None:
    sweep = parse_sweep(" posts = 100, 1,10,1 ", BY_NAME["n-plus-one"])
    assert (sweep.parameter, sweep.values) == ("posts", (1, 10, 100))


def test_other_values_of_the_declared_sweep_keep_its_load_and_description() -> None:
    technique = BY_NAME["connection-pooling"]
    sweep = parse_sweep("milliseconds=1,2", technique)
    assert sweep.values == (1, 2)
    assert sweep.concurrency == technique.sweep.concurrency
    assert sweep.description == technique.sweep.description


def test_any_other_number_can_be_swept() -> None:
    for name in ("id", "concurrency", "link"):
        sweep = parse_sweep(f"{name}=1,2", BY_NAME["connection-pooling"])
        assert sweep == Sweep(name, (1, 2), sweep.description)
        assert sweep.description


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rows", "'rows' is no sweep; write it like count=1,3,10"),
        ("rows=1,2", "made-up has no number 'rows' to sweep; use one of count, concurrency, link"),
        ("cursor=1,2", "made-up has no number 'cursor' to sweep; "),
        ("count=", "count: '' is not a whole number from 1 to 10"),
        ("count=1,,2", "count: '' is not a whole number from 1 to 10"),
        ("count=1,1e1", "count: '1e1' is not a whole number from 1 to 10"),
        ("count=0,1", "count: '0' is not a whole number from 1 to 10"),
        ("count=1,11", "count: '11' is not a whole number from 1 to 10"),
        ("count=1=2", "count: '1=2' is not a whole number from 1 to 10"),
        ("concurrency=1,1001", "concurrency: '1001' is not a whole number from 1 to 1000"),
        ("count=3,3", "count: a sweep needs 2 to 50 different values"),
        (f"link={','.join(map(str, range(1, 52)))}", "link: a sweep needs 2 to 50 different"),
    ],
)
def test_another_text_is_refused_with_the_accepted_form(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".+") as raised:
        parse_sweep(text, MADE_UP)
    assert str(raised.value).startswith(message)


@given(st.text())
def test_any_text_is_a_sweep_within_the_bounds_or_refused(text: str) -> None:
    try:
        sweep = parse_sweep(f"count={text}", MADE_UP)
    except ValueError:
        return
    assert all(1 <= value <= 10 for value in sweep.values)


# Steps


def test_the_value_replaces_the_drawn_parameter_of_each_request() -> None:
    made = steps(MADE_UP, MADE_UP.sweep)
    assert [step.value for step in made] == [1, 3, 10]
    assert [step.technique.workload.draws for step in made] == [
        {"count": Constant(value)} for value in (1, 3, 10)
    ]
    assert {(step.concurrency, step.link_bits_per_second) for step in made} == {(None, None)}


def test_the_sweep_overrides_parts_of_the_workload_and_keeps_the_rest() -> None:
    sweep = Sweep("count", (1, 2), "", {"cursor": Constant("")}, concurrency=9)
    for step in steps(MADE_UP, sweep):
        assert step.technique.workload.draws["cursor"] == Constant("")
        assert step.technique.workload.description == MADE_UP.workload.description
        assert step.concurrency == 9


def test_concurrency_link_and_latency_change_the_load_not_the_requests() -> None:
    clients = steps(MADE_UP, Sweep("concurrency", (1, 8), "", concurrency=4))
    assert [step.concurrency for step in clients] == [1, 8]
    links = steps(MADE_UP, Sweep("link", (1, 10), "", concurrency=4))
    assert [step.link_bits_per_second for step in links] == [1e6, 1e7]
    assert {step.concurrency for step in links} == {4}
    delays = steps(MADE_UP, Sweep("latency", (1, 250), "", concurrency=4))
    assert [step.link_latency_seconds for step in delays] == [0.001, 0.25]
    default = MADE_UP.swept()["link"].default
    assert {(step.concurrency, step.link_bits_per_second) for step in delays} == {
        (4, default * 1e6)
    }
    assert {step.link_latency_seconds for step in (*clients, *links)} == {None}
    for step in (*clients, *links, *delays):
        assert step.technique == MADE_UP


@pytest.mark.parametrize("technique", TECHNIQUES, ids=lambda each: each.name)
def test_the_declared_sweep_of_a_technique_can_be_asked_for_by_name(technique: Any) -> None:
    sweep = technique.sweep
    listed = ",".join(map(str, sweep.values))
    assert parse_sweep(f"{sweep.parameter}={listed}", technique) == sweep


RUN = LoadOptions(iterations=4, concurrency=2, duration=1.0, seed=7, link=5e6, link_latency=0.02)


def test_a_step_keeps_the_load_of_the_run_or_replaces_it() -> None:
    assert step_options(RUN, Step(1, MADE_UP)) == RUN
    changed = step_options(RUN, Step(1, MADE_UP, 9, 1e6, 0.5))
    assert (changed.concurrency, changed.link, changed.link_latency) == (9, 1e6, 0.5)
    assert (changed.iterations, changed.duration, changed.seed) == (4, 1.0, 7)


def test_the_experiment_of_a_step_is_named_after_its_value() -> None:
    subject = step_subject(Subject("made-up", "Made up", "", ()), MADE_UP.sweep, Step(3, MADE_UP))
    assert (subject.name, subject.title) == ("made-up count=3", "Made up, count=3")


def test_the_bundle_of_a_sweep_can_be_judged_as_one() -> None:
    whole = Subject("made-up", "Made up", "", ())
    experiments = [
        experiment(records([2.0] * 4), name=step_subject(whole, MADE_UP.sweep, step).name)
        for step in steps(MADE_UP, MADE_UP.sweep)
    ]
    settings = {**SETTINGS, **sweep_settings(MADE_UP, MADE_UP.sweep)}
    measured = bundle(*experiments, settings=settings)
    sweeps = judge_sweep(measured, judge(measured))
    assert sweeps is not None
    sweep = sweeps["made-up"]
    assert (sweep.parameter, sweep.description) == ("count", MADE_UP.sweep.description)
    assert tuple(point.value for point in sweep.points) == MADE_UP.sweep.values


def test_at_most_fifty_values_can_be_swept() -> None:
    fifty = ",".join(map(str, range(1, 51)))
    assert len(parse_sweep(f"link={fifty}", MADE_UP).values) == 50
    assert len(parse_sweep("link=1,2", MADE_UP).values) == 2
