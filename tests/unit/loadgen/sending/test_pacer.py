"""Intended instants: how many, where, and always the same ones."""

from itertools import islice, pairwise
from statistics import mean, pstdev

import pytest

from loadgen.sending.pacer import Stage, instants, parse_stages


def test_constant_arrivals_are_evenly_spread_and_end_before_the_stage() -> None:
    assert list(instants([Stage(1, 4)], "constant", 0)) == [0, 0.25, 0.5, 0.75]


def test_the_millionth_constant_arrival_is_as_exact_as_the_first() -> None:
    offsets = instants([Stage(1e9, 1000)], "constant", 0)
    assert next(islice(offsets, 10**6, None)) == 1000


def test_one_stage_begins_where_the_other_ends() -> None:
    offsets = list(instants([Stage(1, 2), Stage(2, 4)], "constant", 0))
    assert offsets == [0, 0.5, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75]


def test_poisson_arrivals_have_the_rate_and_the_spread_of_the_distribution() -> None:
    offsets = list(instants([Stage(100, 200)], "poisson", 7))
    gaps = [later - earlier for earlier, later in pairwise(offsets)]
    assert len(offsets) == pytest.approx(20_000, rel=0.03)
    # Of an exponential distribution the deviation is the mean.
    assert mean(gaps) == pytest.approx(1 / 200, rel=0.03)
    assert pstdev(gaps) == pytest.approx(1 / 200, rel=0.05)


def test_poisson_arrivals_stay_in_order_and_in_their_stages() -> None:
    offsets = list(instants([Stage(10, 10), Stage(10, 100)], "poisson", 1))
    assert offsets == sorted(offsets)
    assert offsets[0] > 0
    assert offsets[-1] < 20
    first = sum(offset < 10 for offset in offsets)
    assert first == pytest.approx(100, rel=0.4)
    assert len(offsets) - first == pytest.approx(1000, rel=0.15)


def test_the_same_seed_gives_the_same_poisson_arrivals_and_another_one_others() -> None:
    one, same, other = (list(instants([Stage(5, 50)], "poisson", seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_stages_are_read_from_text() -> None:
    assert parse_stages("10s:100,30s:500") == (Stage(10, 100), Stage(30, 500))
    assert parse_stages(" 500ms:2.5 , 1m:1") == (Stage(0.5, 2.5), Stage(60, 1))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' is no stage like 10s:100"),
        ("10s", "'10s' is no stage like 10s:100"),
        ("10s:100,", "'' is no stage like 10s:100"),
        ("10s:fast", "'fast' is no number"),
        ("10s:", "'' is no number"),
        ("ten:100", "'ten' is no duration"),
        ("10:100", "'10' is no duration"),
        ("0s:100", "a stage of 0 s has no length"),
        ("10s:0", "a stage of 0 requests per second or clients sends none"),
        ("10s:-5", "a stage of -5 requests"),
        ("10s:nan", "a stage of nan requests"),
        ("10s:inf", "a stage of inf requests"),
    ],
)
def test_what_is_no_stage_is_refused_with_a_reason(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_stages(text)


def test_clients_of_a_stage_are_whole() -> None:
    assert Stage(1, 3.0).clients == 3
    with pytest.raises(ValueError, match=r"2\.5 is no number of clients"):
        _ = Stage(1, 2.5).clients
