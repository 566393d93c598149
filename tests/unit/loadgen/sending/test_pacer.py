"""Intended instants of requests, and the stages that they come from."""

from itertools import islice, pairwise
from statistics import mean, pstdev

import pytest

from loadgen.sending.pacer import Stage, instants, parse_stages


def test_constant_arrivals_are_evenly_spread_and_end_within_the_stage() -> None:
    assert list(instants([Stage(1, 4)], "constant", 0)) == [0, 0.25, 0.5, 0.75]


def test_rounding_errors_of_constant_arrivals_do_not_accumulate() -> None:
    offsets = instants([Stage(1e9, 1000)], "constant", 0)
    assert next(islice(offsets, 10**6, None)) == 1000


def test_a_stage_begins_when_the_previous_one_ends() -> None:
    offsets = list(instants([Stage(1, 2), Stage(2, 4)], "constant", 0))
    assert offsets == [0, 0.5, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75]


def test_poisson_arrivals_have_the_rate_and_the_spread_of_the_distribution() -> None:
    offsets = list(instants([Stage(100, 200)], "poisson", 7))
    gaps = [later - earlier for earlier, later in pairwise(offsets)]
    assert len(offsets) == pytest.approx(20_000, rel=0.03)
    # The standard deviation of an exponential distribution equals its mean.
    assert mean(gaps) == pytest.approx(1 / 200, rel=0.03)
    assert pstdev(gaps) == pytest.approx(1 / 200, rel=0.05)


def test_poisson_arrivals_are_sorted_and_have_the_rate_of_their_stage() -> None:
    offsets = list(instants([Stage(10, 10), Stage(10, 100)], "poisson", 1))
    assert offsets == sorted(offsets)
    assert offsets[0] > 0
    assert offsets[-1] < 20
    first = sum(offset < 10 for offset in offsets)
    assert first == pytest.approx(100, rel=0.4)
    assert len(offsets) - first == pytest.approx(1000, rel=0.15)


def test_poisson_arrivals_depend_on_the_seed() -> None:
    one, same, other = (list(instants([Stage(5, 50)], "poisson", seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_stages_are_read_from_text() -> None:
    assert parse_stages("10s:100,30s:500") == (Stage(10, 100), Stage(30, 500))
    assert parse_stages(" 500ms:2.5 , 1m:1") == (Stage(0.5, 2.5), Stage(60, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not a stage: write DURATION:LEVEL, such as 10s:100"),
        ("10s", "'10s' is not a stage: write DURATION:LEVEL, such as 10s:100"),
        ("10s:100,", "'' is not a stage: write DURATION:LEVEL"),
        ("10s:fast", "its level 'fast' is not a number"),
        ("10s:", "its level '' is not a number"),
        ("ten:100", "'ten' "),
        ("10:100", "'10' "),
        ("0s:100", "a stage cannot last 0 s: use a duration above 0"),
        ("10s:0", "a stage cannot have 0 requests per second or clients"),
        ("10s:-5", "a stage cannot have -5 requests"),
        ("10s:nan", "a stage cannot have nan requests"),
        ("10s:inf", "a stage cannot have inf requests"),
    ],
)
def test_a_text_that_is_no_stage_is_refused_with_a_reason(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_stages(text)


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan")])
def test_a_stage_needs_a_finite_duration(seconds: float) -> None:
    with pytest.raises(ValueError, match=f"a stage cannot last {seconds:g} s"):
        Stage(seconds, 1)


def test_a_closed_loop_needs_a_whole_number_of_clients() -> None:
    assert Stage(1, 3.0).clients == 3
    with pytest.raises(ValueError, match=r"a closed loop cannot have 2\.5 clients"):
        _ = Stage(1, 2.5).clients
