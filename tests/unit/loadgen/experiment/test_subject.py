"""Subjects: the arms that are compared, and their requests."""

import pytest

from loadgen.experiment.inputs import Inputs
from loadgen.experiment.subject import MetricsPage, technique_subject
from loadgen.sending.connection import Address
from tests.unit.services.example_technique import MADE_UP

ADDRESS = Address("127.0.0.1", 8000)
METRICS = MetricsPage(Address("127.0.0.1", 9000))
INPUTS = Inputs(MADE_UP, ("count=1", "count=2"))


@pytest.mark.parametrize("variants", [["optimized"], ["other", "optimized"]])
def test_naive_is_the_baseline_and_the_control(variants: list[str]) -> None:
    subject = technique_subject(MADE_UP, INPUTS, ADDRESS, METRICS, variants)
    assert [arm.name for arm in subject.arms] == ["naive", *variants, "control"]
    assert subject.baseline.name == "naive"
    assert [arm.name for arm in subject.candidates] == variants
    control = subject.arms[-1]
    assert control.requests == subject.baseline.requests
    assert control.variant == "naive"
    assert not subject.answers_may_differ


def test_all_arms_send_the_same_inputs_in_the_same_order() -> None:
    subject = technique_subject(MADE_UP, INPUTS, ADDRESS, METRICS, ["optimized"])
    naive, optimized, _ = subject.arms
    assert naive.targets == ("/made-up/naive?count=1", "/made-up/naive?count=2")
    assert optimized.targets == ("/made-up/optimized?count=1", "/made-up/optimized?count=2")
    assert [request.replace(b"naive", b"optimized") for request in naive.requests] == list(
        optimized.requests
    )
    assert naive.metrics == METRICS
